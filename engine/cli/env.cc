#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/terminal.h"
#include "engine/gitops/environment.h"
#include "engine/gitops/environment_rule.h"

namespace fairlead::cli {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Writes `value` to `file` below the root; with `check`, only compares.
int write(const Project& project, const std::string& file, const Value& value, bool check) {
  const std::string path = project.root + "/" + file;
  const std::string text = to_pretty_json(value) + "\n";
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

/// Keys that are checked and rendered but that nothing acts on, and what that means: said, so that nobody relies on
/// them.
struct WithoutEffect {
  std::string_view key;
  std::string_view consequence;
};
constexpr std::array kWithoutEffect = {WithoutEffect{"hours", "the cluster runs at all hours"}};

void warn(const Value& rendered, const std::string& name) {
  for (const auto& [key, consequence] : kWithoutEffect) {
    const Value* given = rendered.find(key);
    if (given == nullptr) continue;
    const std::string message = fmt::format("warning: nothing acts on {}: {}", key, consequence);
    print_error(given->error(message, "infrastructure/environments/" + name + ".yaml").to_string());
  }
}

/// `said`: what was reported already; environments that share a hub read each other's files.
int render(const Project& project, const std::string& name, bool check, std::set<std::string>& said) {
  const auto rendered = gitops::render_environment(project.root, name);
  if (rendered) {
    warn(*rendered, name);
    return write(project, "infrastructure/rendered/" + name + "/environment.json", *rendered, check);
  }
  for (const Error& error : rendered.error()) {
    if (said.insert(error.to_string()).second) print_error(error.to_string());
  }
  return kUsage;
}

/// The JSON Schemas that editors check the same files with.
int render_schemas(const Project& project, bool check) {
  const int environment = write(project, "infrastructure/environments/environment.schema.json",
                                gitops::editor_schema(gitops::environment_rule(), "Fairlead environment"), check);
  const int needs = write(project, "infrastructure/apps/needs.schema.json",
                          gitops::editor_schema(gitops::needs_rule(), "Fairlead needs"), check);
  return std::max(environment, needs);
}

}  // namespace

int run_env_render(const Project& project, const EnvOptions& options) {
  std::vector<std::string> names = gitops::environments(project.root);
  if (!options.environment.empty()) {
    if (std::ranges::find(names, options.environment) == names.end()) {
      print_error(fmt::format("there is no environment {} in infrastructure/environments, only {}", options.environment,
                              fmt::join(names, ", ")));
      return kUsage;
    }
    names = {options.environment};
  }
  std::set<std::string> said;
  int code = render_schemas(project, options.check);
  for (const std::string& name : names) code = std::max(code, render(project, name, options.check, said));
  return code;
}

}  // namespace fairlead::cli
