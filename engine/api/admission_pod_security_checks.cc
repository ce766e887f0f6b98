// The restricted checks of the Pod Security Standards, and which check is asked for as of which version of Kubernetes.
// Source: k8s.io/pod-security-admission/policy, check_*.go and registry.go.
#include "engine/api/admission_pod_security_checks.h"

#include <algorithm>
#include <array>
#include <utility>

namespace fairlead::api {
namespace pod_security {
namespace {

Finding capabilities_restricted(const Pod& pod) {
  if (pod.minor >= 25 && pod.windows()) return std::nullopt;
  const List keeping = containers_where(pod, [](const Value& container) {
    const auto& drop = container.at("securityContext", "capabilities", "drop").items();
    return std::ranges::find(drop, Value("ALL")) == drop.end();
  });
  List details;
  if (!keeping.empty())
    details.push_back(fmt::format("{} must set securityContext.capabilities.drop=[\"ALL\"]", named(keeping)));
  if (std::string added = added_capabilities(pod, {"NET_BIND_SERVICE"}); !added.empty())
    details.push_back(std::move(added));
  if (details.empty()) return std::nullopt;
  return PodSecurityFinding{"unrestricted capabilities", joined(details, "; ")};
}

Finding seccomp_restricted(const Pod& pod) {
  if (pod.minor >= 25 && pod.windows()) return std::nullopt;
  List implied;
  if (Finding explicitly = seccomp_types(pod, &implied)) return explicitly;
  if (implied.empty()) return std::nullopt;
  return PodSecurityFinding{
      "seccompProfile",
      fmt::format("pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
                  named(implied))};
}

Finding privilege_escalation(const Pod& pod) {
  if (pod.minor >= 25 && pod.windows()) return std::nullopt;
  const List containers = containers_where(
      pod, [](const Value& c) { return c.at("securityContext", "allowPrivilegeEscalation").bool_or(true); });
  if (containers.empty()) return std::nullopt;
  return PodSecurityFinding{
      "allowPrivilegeEscalation != false",
      fmt::format("{} must set securityContext.allowPrivilegeEscalation=false", named(containers))};
}

Finding restricted_volumes(const Pod& pod) {
  static const std::set<std::string_view> kAllowed = {"configMap", "csi",   "downwardAPI",           "emptyDir",
                                                      "ephemeral", "image", "persistentVolumeClaim", "projected",
                                                      "secret"};
  List volumes;
  Texts types;
  for (const Value& volume : pod.spec.at("volumes").items()) {
    std::string_view type = "unknown";
    for (const Member& member : volume.members()) {
      if (member.key != "name" && !member.value.is_null() && (type == "unknown" || kAllowed.contains(member.key)))
        type = member.key;
    }
    if (kAllowed.contains(type)) continue;
    volumes.emplace_back(volume.at("name").str());
    types.emplace(type);
  }
  if (volumes.empty()) return std::nullopt;
  return PodSecurityFinding{
      "restricted volume types",
      fmt::format("{} {} {} {} {}", plural("volume", "volumes", volumes.size()), quoted(volumes),
                  plural("uses", "use", volumes.size()),
                  plural("restricted volume type", "restricted volume types", types.size()), quoted(types))};
}

Finding run_as_non_root(const Pod& pod) {
  if (pod.minor >= 35 && pod.own_users()) return std::nullopt;
  const Value& by_pod = pod.security().at("runAsNonRoot");
  const auto field = [](const Value& container) -> const Value& {
    return container.at("securityContext", "runAsNonRoot");
  };
  const List containers = containers_where(pod, [&](const Value& c) { return !field(c).bool_or(true); });
  const std::string who = setters(!by_pod.bool_or(true), containers);
  if (!who.empty()) {
    return PodSecurityFinding{"runAsNonRoot != true",
                              fmt::format("{} must not set securityContext.runAsNonRoot=false", who)};
  }
  const List implied =
      containers_where(pod, [&](const Value& c) { return field(c).is_null() && !by_pod.bool_or(false); });
  if (implied.empty()) return std::nullopt;
  return PodSecurityFinding{"runAsNonRoot != true",
                            fmt::format("pod or {} must set securityContext.runAsNonRoot=true", named(implied))};
}

Finding run_as_user(const Pod& pod) {
  if (pod.minor >= 35 && pod.own_users()) return std::nullopt;
  const auto root = [](const Value& security) { return security.at("runAsUser").int_or(1) == 0; };
  const std::string who = setters(root(pod.security()),
                                  containers_where(pod, [&](const Value& c) { return root(c.at("securityContext")); }));
  if (who.empty()) return std::nullopt;
  return PodSecurityFinding{"runAsUser=0", fmt::format("{} must not set runAsUser=0", who)};
}

struct Check {
  PodSecurityLevel level;
  int since;  ///< Minor version.
  Finding (*run)(const Pod& pod);
  int replaced = kLatestPodSecurity + 1;  ///< The version from which a stricter one stands for it where restricted.
};

/// By name of the check within its level, as upstream runs them.
constexpr std::array kChecks{
    Check{PodSecurityLevel::kBaseline, 0, app_armor},
    Check{PodSecurityLevel::kBaseline, 0, capabilities_baseline, 22},
    Check{PodSecurityLevel::kBaseline, 0, host_namespaces},
    Check{PodSecurityLevel::kBaseline, 0, host_path_volumes, 0},
    Check{PodSecurityLevel::kBaseline, 0, host_ports},
    Check{PodSecurityLevel::kBaseline, 34, host_probes},
    Check{PodSecurityLevel::kBaseline, 0, privileged},
    Check{PodSecurityLevel::kBaseline, 0, proc_mount, 35},
    Check{PodSecurityLevel::kBaseline, 0, selinux},
    Check{PodSecurityLevel::kBaseline, 0, seccomp_baseline, 19},
    Check{PodSecurityLevel::kBaseline, 0, sysctls},
    Check{PodSecurityLevel::kBaseline, 0, windows_host_process},
    Check{PodSecurityLevel::kRestricted, 8, privilege_escalation},
    Check{PodSecurityLevel::kRestricted, 22, capabilities_restricted},
    Check{PodSecurityLevel::kRestricted, 35, proc_mount_restricted},
    Check{PodSecurityLevel::kRestricted, 0, restricted_volumes},
    Check{PodSecurityLevel::kRestricted, 0, run_as_non_root},
    Check{PodSecurityLevel::kRestricted, 23, run_as_user},
    Check{PodSecurityLevel::kRestricted, 19, seccomp_restricted},
};

}  // namespace
}  // namespace pod_security

std::vector<PodSecurityFinding> check_pod_security(const PodSecurityPolicy& policy, const Value& metadata,
                                                   const Value& spec) {
  std::vector<PodSecurityFinding> out;
  const int minor = policy.minor < 0 ? kLatestPodSecurity : std::min(policy.minor, kLatestPodSecurity);
  const pod_security::Pod pod{.metadata = metadata, .spec = spec, .minor = minor};
  for (const pod_security::Check& check : pod_security::kChecks) {
    const bool replaced = policy.level == PodSecurityLevel::kRestricted && minor >= check.replaced;
    if (check.level > policy.level || minor < check.since || replaced) continue;
    if (pod_security::Finding found = check.run(pod)) out.push_back(*std::move(found));
  }
  return out;
}

}  // namespace fairlead::api
