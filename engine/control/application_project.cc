#include "engine/control/application_project.h"

#include <algorithm>

#include <fmt/format.h>

namespace fairlead::control {
namespace {

/// Glob with `*` only, as projects use it.
bool glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t skip = 0; skip <= text.size(); ++skip) {
      if (glob(pattern.substr(1), text.substr(skip))) return true;
    }
    return false;
  }
  return !text.empty() && pattern.front() == text.front() && glob(pattern.substr(1), text.substr(1));
}

std::string_view without_suffix(std::string_view url) {
  return url.ends_with(".git") ? url.substr(0, url.size() - 4) : url;
}

bool destination_permitted(const Value& project, const Value& destination, std::string_view ns) {
  return std::ranges::any_of(project.at("spec", "destinations").items(), [&](const Value& d) {
    const bool server = (d.has("server") && glob(d.at("server").str(), destination.at("server").str())) ||
                        (d.has("name") && glob(d.at("name").str(), destination.at("name").str()));
    return server && glob(d.at("namespace").str(), ns);
  });
}

bool listed(const Value& list, const api::Resource& resource) {
  return std::ranges::any_of(list.items(), [&](const Value& entry) {
    return glob(entry.at("group").str(), resource.group) && glob(entry.at("kind").str(), resource.kind);
  });
}

}  // namespace

std::optional<std::string> forbidden_application(const Value& project, const Value& application) {
  const std::string_view url = application.at("spec", "source", "repoURL").str();
  const auto& repos = project.at("spec", "sourceRepos").items();
  if (std::ranges::none_of(repos, [&](const Value& r) { return glob(without_suffix(r.str()), without_suffix(url)); })) {
    return fmt::format("application repo {} is not permitted in project '{}'", url,
                       project.at("metadata", "name").str());
  }
  const Value& destination = application.at("spec", "destination");
  if (!destination_permitted(project, destination, destination.at("namespace").str())) {
    return fmt::format(
        "application destination server '{}' and namespace '{}' do not match any of the allowed destinations in "
        "project '{}'",
        destination.at("server").str(), destination.at("namespace").str(), project.at("metadata", "name").str());
  }
  return std::nullopt;
}

std::optional<std::string> forbidden_object(const Value& project, const api::Resource& resource,
                                            const Value& destination, std::string_view ns) {
  const Value& spec = project.at("spec");
  std::string what = fmt::format("resource {}:{} is not permitted in project {}", resource.group, resource.kind,
                                 project.at("metadata", "name").str());
  if (!resource.namespaced) {
    const bool allowed =
        listed(spec.at("clusterResourceWhitelist"), resource) && !listed(spec.at("clusterResourceBlacklist"), resource);
    return allowed ? std::nullopt : std::optional(what);
  }
  const bool whitelisted =
      !spec.has("namespaceResourceWhitelist") || listed(spec.at("namespaceResourceWhitelist"), resource);
  if (!whitelisted || listed(spec.at("namespaceResourceBlacklist"), resource)) return what;
  if (!destination_permitted(project, destination, ns)) {
    return fmt::format("namespace {} is not permitted in project '{}'", ns, project.at("metadata", "name").str());
  }
  return std::nullopt;
}

}  // namespace fairlead::control
