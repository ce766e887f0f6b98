// What the checks of the Pod Security Standards share. Source: k8s.io/pod-security-admission/policy.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/api/admission_pod_security.h"

namespace fairlead::api::pod_security {

using Finding = std::optional<PodSecurityFinding>;
using Texts = std::set<std::string, std::less<>>;
using List = std::vector<std::string>;

struct Pod {
  const Value& metadata;
  const Value& spec;
  int minor;

  [[nodiscard]] const Value& security() const { return spec.at("securityContext"); }
  [[nodiscard]] bool windows() const { return spec.at("os", "name").str() == "windows"; }
  /// In a user namespace of its own.
  [[nodiscard]] bool own_users() const { return !spec.at("hostUsers").bool_or(true); }
};

template <class Visit>
void each_container(const Pod& pod, Visit visit) {
  for (const std::string_view list : {"initContainers", "containers", "ephemeralContainers"}) {
    for (const Value& container : pod.spec.at(list).items()) visit(container);
  }
}

/// Names of the containers that `bad` picks.
template <class Predicate>
List containers_where(const Pod& pod, Predicate bad) {
  List out;
  each_container(pod, [&](const Value& container) {
    if (bad(container)) out.emplace_back(container.at("name").str());
  });
  return out;
}

inline std::string_view plural(std::string_view one, std::string_view many, std::size_t count) {
  return count == 1 ? one : many;
}

template <class Range>
std::string joined(const Range& items, std::string_view between) {
  return fmt::format("{}", fmt::join(items, between));
}

template <class Range>
std::string quoted(const Range& items) {
  return items.empty() ? "" : fmt::format("\"{}\"", joined(items, "\", \""));
}

/// `containers "a", "b"`
template <class Range>
std::string named(const Range& containers) {
  return fmt::format("{} {}", plural("container", "containers", containers.size()), quoted(containers));
}

/// `pod and container "a"`
[[nodiscard]] std::string setters(bool by_pod, const List& containers);

/// Containers that add what is not in `allowed`, as the end of a sentence; empty when none does.
[[nodiscard]] std::string added_capabilities(const Pod& pod, const std::set<std::string_view>& allowed);
/// What forbids a profile, where one is set to a type that is not allowed. `implied` collects containers that have none
/// and get none from the pod.
[[nodiscard]] Finding seccomp_types(const Pod& pod, List* implied);

// The baseline checks, and the one of them that the restricted level sharpens.
[[nodiscard]] Finding app_armor(const Pod& pod);
[[nodiscard]] Finding capabilities_baseline(const Pod& pod);
[[nodiscard]] Finding host_namespaces(const Pod& pod);
[[nodiscard]] Finding host_path_volumes(const Pod& pod);
[[nodiscard]] Finding host_ports(const Pod& pod);
[[nodiscard]] Finding host_probes(const Pod& pod);
[[nodiscard]] Finding privileged(const Pod& pod);
[[nodiscard]] Finding proc_mount(const Pod& pod);
[[nodiscard]] Finding selinux(const Pod& pod);
[[nodiscard]] Finding seccomp_baseline(const Pod& pod);
[[nodiscard]] Finding sysctls(const Pod& pod);
[[nodiscard]] Finding windows_host_process(const Pod& pod);
[[nodiscard]] Finding proc_mount_restricted(const Pod& pod);

}  // namespace fairlead::api::pod_security
