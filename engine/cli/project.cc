#include "engine/cli/project.h"

#include <algorithm>
#include <filesystem>

#include <fmt/ranges.h>

namespace fairlead::cli {

namespace fs = std::filesystem;

Result<Project> Project::find(const std::string& start) {
  std::error_code error;
  const fs::path from = fs::canonical(start.empty() ? fs::path(".") : fs::path(start), error);
  if (error) return fail("{}: {}", start, error.message());
  for (fs::path folder = from;; folder = folder.parent_path()) {
    if (fs::is_directory(folder / "infrastructure" / "environments")) return Project{.root = folder.string()};
    if (folder == folder.root_path()) break;
  }
  return fail("{} is not inside a Fairlead repository: no folder above it holds infrastructure/environments",
              from.string());
}

std::vector<std::string> Project::services() const {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root + "/apps", error)) {
    if (entry.is_directory() && fs::exists(entry.path() / "CMakeLists.txt")) out.push_back(entry.path().filename());
  }
  std::ranges::sort(out);
  return out;
}

Result<> Project::check_service(const std::string& name) const {
  const std::vector<std::string> all = services();
  if (std::ranges::find(all, name) != all.end()) return {};
  return fail("there is no service {} in apps/, only {}", name, fmt::join(all, ", "));
}

}  // namespace fairlead::cli
