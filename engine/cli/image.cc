#include "base/json.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/release.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {

int run_image_build(const Project& project, const ImageOptions& options) {
  if (auto known = project.check_service(options.service); !known) {
    print_error(known.error().message);
    return kUsage;
  }
  const auto release = build_release(project, options.service, "localhost/" + options.service, options.release);
  if (!release) {
    print_error(release.error().to_string());
    return kFailed;
  }
  if (options.output == Output::kJson) {
    print(to_pretty_json(
              Value::object({{"service", release->service}, {"image", release->image}, {"digest", release->digest}})) +
          "\n");
  } else {
    // A layout's entries are called by their names: skopeo takes no digest behind the folder.
    const std::string_view name = std::string_view(release->image).substr(0, release->image.find('@'));
    print(fmt::format("{}\nlook at it: skopeo inspect oci:{}:{}\n", release->image, project.images(), name));
  }
  return kOk;
}

}  // namespace fairlead::cli
