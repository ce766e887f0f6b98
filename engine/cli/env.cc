#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/terminal.h"
#include "engine/gitops/environment.h"

namespace fairlead::cli {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

int render(const Project& project, const std::string& name, bool check) {
  const auto rendered = gitops::render_environment(project.root, name);
  if (!rendered) {
    for (const Error& error : rendered.error()) print_error(error.to_string());
    return kUsage;
  }
  const std::string file = "infrastructure/rendered/" + name + "/environment.json";
  const std::string path = project.root + "/" + file;
  const std::string text = to_pretty_json(*rendered) + "\n";
  if (check) {
    if (read_file(path) == text) return kOk;
    print_error(file + " is stale: run `fairlead env render`");
    return kFailed;
  }
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (!(std::ofstream(path) << text)) {
    print_error("cannot write " + file);
    return kFailed;
  }
  print("rendered " + file + "\n");
  return kOk;
}

}  // namespace

int run_env_render(const Project& project, const EnvOptions& options) {
  const std::vector<std::string> names =
      options.environment.empty() ? gitops::environments(project.root) : std::vector<std::string>{options.environment};
  int code = kOk;
  for (const std::string& name : names) code = std::max(code, render(project, name, options.check));
  return code;
}

}  // namespace fairlead::cli
