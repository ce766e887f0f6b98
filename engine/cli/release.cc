#include "engine/cli/release.h"

#include <filesystem>
#include <utility>

#include "base/hash.h"
#include "base/image_reference.h"
#include "engine/cli/interrupt.h"
#include "engine/cli/service_status.h"
#include "engine/cli/terminal.h"
#include "engine/gitops/pin.h"
#include "engine/gitops/program.h"
#include "engine/node/image_builder.h"
#include "engine/node/image_store.h"

namespace fairlead::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShortDigest = 19;  ///< "sha256:" and twelve digits.
constexpr std::size_t kTagSha = 7;
constexpr std::size_t kTagEnv = 6;

Result<> run_step(const std::string& what, const std::vector<std::string>& argv, const std::string& directory) {
  if (interrupted()) return fail("interrupted");
  Progress progress(what);
  gitops::ProgramOptions options;
  options.directory = directory;
  options.on_line = [&](std::string_view line) { progress.detail(line); };
  auto done = gitops::check_program(argv, options);
  if (!done) return std::unexpected(done.error());
  progress.done();
  return {};
}

Result<> build_program(const Project& project, const std::string& service) {
  if (!fs::exists(project.build() + "/build.ninja")) {
    if (auto configured = run_step("configure the build", {"cmake", "--preset", "release"}, project.root); !configured)
      return configured;
  }
  return run_step("build " + service, {"cmake", "--build", project.build(), "--target", service}, project.root);
}

Result<> test_program(const Project& project, const std::string& service) {
  const std::string test = service + "_parts_test";
  if (auto built = run_step("build its tests", {"cmake", "--build", project.build(), "--target", test}, project.root);
      !built)
    return built;
  return run_step("run its tests", {project.build() + "/apps/" + service + "/" + test}, project.root);
}

/// The commit's SHA, with a mark when the work tree differs from it and one of the variables put into the image.
Result<std::string> default_tag(const Project& project, const std::vector<std::string>& env) {
  const auto checkout = delivery_repository(project).checkout();
  if (!checkout) return std::unexpected(checkout.error());
  if (!checkout->dirty && env.empty()) return checkout->sha;
  std::string out = checkout->sha.substr(0, kTagSha);
  if (checkout->dirty) out += "-dirty";
  // Other variables make another version, which clients, metrics and people must tell apart.
  if (!env.empty()) out += "-env-" + sha256_hex(fmt::format("{}", fmt::join(env, "\n"))).substr(0, kTagEnv);
  return out;
}

}  // namespace

gitops::DeliveryRepository delivery_repository(const Project& project) {
  return {project.root, project.repository(), project.environment};
}

Result<Release> build_release(const Project& project, const std::string& service, const std::string& repository,
                              const ReleaseOptions& options) {
  if (auto known = project.check_service(service); !known) return std::unexpected(known.error());
  auto tag = options.tag.empty() ? default_tag(project, options.env) : Result<std::string>(options.tag);
  if (!tag) return std::unexpected(tag.error());
  if (auto built = build_program(project, service); !built) return std::unexpected(built.error());
  if (options.test) {
    if (auto tested = test_program(project, service); !tested) return std::unexpected(tested.error());
  }
  Progress progress("make the image of " + service);
  node::ImageStore store(project.images());
  node::ImageRecipe recipe;
  recipe.name = repository + ":" + *tag;
  recipe.program = project.build() + "/apps/" + service + "/" + service;
  recipe.labels = {{"org.opencontainers.image.revision", *tag}, {"org.opencontainers.image.title", service}};
  recipe.environment = options.env;
  recipe.environment.insert(recipe.environment.begin(), "APP_VERSION=" + version_of(recipe.name));
  const auto built = node::build_image(recipe, store);
  if (!built) return std::unexpected(built.error());
  progress.done(
      fmt::format("{} ({:.1f} MB)", built->digest.substr(0, kShortDigest), static_cast<double>(built->size) / 1e6));
  return Release{service, recipe.name + "@" + built->digest, built->digest};
}

Result<std::string> prepare_delivery(const Project& project) {
  gitops::DeliveryRepository delivery = delivery_repository(project);
  if (!delivery.exists()) {
    Progress progress("import HEAD into .fairlead/git");
    if (auto created = delivery.create(); !created) return std::unexpected(created.error());
    progress.done();
  }
  const auto pins = delivery.pins(std::string(gitops::kDeliveryBranch));
  if (!pins) return std::unexpected(pins.error());
  const node::ImageStore store(project.images());
  gitops::Pins fresh;
  for (const auto& [service, image] : *pins) {
    if (store.find(image)) continue;
    ReleaseOptions options;
    options.test = false;
    auto release = build_release(project, service, ImageReference::parse(image).name, options);
    if (!release) return std::unexpected(release.error());
    fresh[service] = release->image;
  }
  return delivery.pin(fresh, "Pin the images that this machine built");
}

}  // namespace fairlead::cli
