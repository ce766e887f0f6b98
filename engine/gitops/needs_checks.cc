#include "engine/gitops/needs_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "engine/gitops/environment_grants.h"

namespace fairlead::gitops {
namespace {

using Errors = std::vector<Error>;
using Needs = std::map<std::string, Source>;

bool owns_queue(const Source& needs, std::string_view queue) {
  return std::ranges::any_of(needs.document.at("queues").items(), [&](const Value& v) { return v.str() == queue; });
}

/// Whether `target` ("service/name") is a container or a queue of a service of this environment.
bool exists(const Needs& needs, std::string_view target, std::string_view kind) {
  const std::size_t slash = target.find('/');
  const auto owner = needs.find(std::string(target.substr(0, slash)));
  if (owner == needs.end()) return false;
  const std::string_view name = target.substr(slash + 1);
  return kind == "container" ? owner->second.document.at("containers").has(name) : owns_queue(owner->second, name);
}

void check_grant(const Needs& all, const Source& needs, const Value& grant, Errors& errors) {
  if (grant.has("container") == grant.has("queue")) {
    return errors.push_back(needs.error(grant, "a grant names a container or a queue, one of the two"));
  }
  const std::string_view kind = grant.has("container") ? "container" : "queue";
  const Value& target = grant.at(kind);
  const std::string_view access = grant.at("access").str();
  const bool fits =
      kind == "container" ? access == "read" || access == "write" : access == "send" || access == "receive";
  if (!fits) {
    errors.push_back(needs.error(grant.at("access"), fmt::format("access {} is not for a {}", access, kind)));
  }
  if (!exists(all, target.str(), kind)) {
    errors.push_back(needs.error(
        target, fmt::format("grants {} {}, which no service of this environment owns", kind, target.str())));
  }
}

void check_grants(const Needs& all, const Source& needs, Errors& errors) {
  std::set<std::string> seen;
  for (const Value& grant : needs.document.at("grants").items()) {
    check_grant(all, needs, grant, errors);
    const std::string_view access = grant.at("access").str();
    const std::string key = fmt::format("{}{} {}", grant.at("container").str(), grant.at("queue").str(),
                                        access == "write" ? "read" : access);
    if (!seen.insert(key).second) errors.push_back(needs.error(grant, "this grant is there already"));
  }
}

/// Queues and secrets of all services are side by side in Azure, where a hyphen stands for the slash.
void check_azure_names(const Needs& all, const std::string& kind, Errors& errors) {
  std::map<std::string, std::string> seen;  // By the name in Azure: service/name.
  for (const auto& [service, needs] : all) {
    for (const Value& name : needs.document.at(kind + "s").items()) {
      const std::string target = fmt::format("{}/{}", service, name.str());
      const std::string in_azure = azure_name(target);
      const auto [it, fresh] = seen.emplace(in_azure, target);
      if (!fresh) {
        errors.push_back(needs.error(
            name, fmt::format("{} {} is called {} in Azure, as is {}", kind, target, in_azure, it->second)));
      }
      if (kind == "queue" && in_azure.find("--") != std::string::npos) {
        errors.push_back(needs.error(
            name,
            fmt::format("{} {} is called {} in Azure, which takes no two hyphens in a row", kind, target, in_azure)));
      }
    }
  }
}

}  // namespace

void check_needs(const EnvironmentSources& sources, std::vector<Error>& errors) {
  const auto it = sources.needs.find(sources.name);
  if (it == sources.needs.end()) return;
  const Value& services = sources.at_own("services");
  for (const char* kind : {"queue", "secret"}) check_azure_names(it->second, kind, errors);
  for (const auto& [service, needs] : it->second) {
    if (is_platform_identity(service)) {
      errors.push_back(sources.own.error(
          services.at(service), fmt::format("services.{}: an identity of the platform has this name", service)));
    }
    for (const Value& callee : needs.document.at("calls").items()) {
      if (services.has(callee.str())) continue;
      errors.push_back(
          needs.error(callee, fmt::format("calls {}, which is not a service of this environment", callee.str())));
    }
    const Value& redis = needs.document.at("redis");
    if (redis.bool_or(false) && !sources.at_own("data").has("redis")) {
      errors.push_back(needs.error(redis, fmt::format("uses Redis, but {} has no data.redis", sources.own.file)));
    }
    check_grants(it->second, needs, errors);
    for (const Member& container : services.at(service, "overrides", "containers").members()) {
      if (needs.document.at("containers").has(container.key)) continue;
      errors.push_back(sources.own.error(container.value, fmt::format("services.{}.overrides: {} has no container {}",
                                                                      service, service, container.key)));
    }
  }
}

}  // namespace fairlead::gitops
