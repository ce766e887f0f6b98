// Pod Security Standards, version "latest".
// Source: k8s.io/pod-security-admission/policy and /admission.
#include <algorithm>
#include <array>
#include <set>

#include "engine/api/admission.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kPrefix = "pod-security.kubernetes.io/";

using Findings = std::vector<std::string>;

/// Containers of every sort with their names.
std::vector<const Value*> containers_of(const Value& spec) {
  std::vector<const Value*> out;
  for (const std::string_view list : {"initContainers", "containers", "ephemeralContainers"}) {
    for (const Value& container : spec.at(list).items()) out.push_back(&container);
  }
  return out;
}

/// `what (containers "a", "b" must …)` for the containers that `bad` picks.
template <class Predicate>
void check_containers(const Value& spec, Findings& findings, std::string_view what, std::string_view must,
                      Predicate bad) {
  std::string names;
  for (const Value* container : containers_of(spec)) {
    if (bad(*container)) names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", container->at("name").str());
  }
  if (!names.empty()) findings.push_back(fmt::format("{} (container {} {})", what, names, must));
}

bool all_listed(const Value& list, const std::set<std::string_view>& allowed) {
  return std::ranges::all_of(list.items(), [&](const Value& item) { return allowed.contains(item.str()); });
}

void check_baseline(const Value& spec, Findings& findings) {
  static const std::set<std::string_view> kCapabilities = {
      "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
      "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
  for (const std::string_view field : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (spec.at(field).bool_or(false)) findings.push_back(fmt::format("host namespaces ({}=true)", field));
  }
  check_containers(spec, findings, "privileged", "must not set securityContext.privileged=true",
                   [](const Value& c) { return c.at("securityContext", "privileged").bool_or(false); });
  check_containers(
      spec, findings, "non-default capabilities", "must not add others than the default ones",
      [&](const Value& c) { return !all_listed(c.at("securityContext", "capabilities", "add"), kCapabilities); });
  check_containers(spec, findings, "hostPort", "must not use host ports", [](const Value& c) {
    return std::ranges::any_of(c.at("ports").items(), [](const Value& p) { return p.at("hostPort").int_or(0) != 0; });
  });
  check_containers(spec, findings, "seccompProfile", "must not set type Unconfined", [](const Value& c) {
    return c.at("securityContext", "seccompProfile", "type").str() == "Unconfined";
  });
  for (const Value& volume : spec.at("volumes").items()) {
    if (volume.has("hostPath"))
      findings.push_back(fmt::format("hostPath volumes (volume \"{}\")", volume.at("name").str()));
  }
}

void check_restricted(const Value& spec, Findings& findings) {
  static const std::set<std::string_view> kVolumes = {"configMap", "csi",       "downwardAPI",
                                                      "emptyDir",  "ephemeral", "persistentVolumeClaim",
                                                      "projected", "secret",    "image"};
  const Value& pod = spec.at("securityContext");
  for (const Value& volume : spec.at("volumes").items()) {
    for (const Member& source : volume.members()) {
      if (source.key == "name" || source.key == "hostPath" || kVolumes.contains(source.key)) continue;
      findings.push_back(
          fmt::format("restricted volume types (volume \"{}\" uses {})", volume.at("name").str(), source.key));
    }
  }
  check_containers(spec, findings, "allowPrivilegeEscalation != false",
                   "must set securityContext.allowPrivilegeEscalation=false",
                   [](const Value& c) { return c.at("securityContext", "allowPrivilegeEscalation").bool_or(true); });
  check_containers(spec, findings, "unrestricted capabilities", "must set securityContext.capabilities.drop=[\"ALL\"]",
                   [](const Value& c) {
                     const Value& capabilities = c.at("securityContext", "capabilities");
                     const auto& drop = capabilities.at("drop").items();
                     return std::ranges::find(drop, Value("ALL")) == drop.end() ||
                            !all_listed(capabilities.at("add"), {"NET_BIND_SERVICE"});
                   });
  check_containers(spec, findings, "runAsNonRoot != true", "must set securityContext.runAsNonRoot=true",
                   [&](const Value& c) {
                     const bool by_pod = pod.at("runAsNonRoot").bool_or(false);
                     return !c.at("securityContext", "runAsNonRoot").bool_or(by_pod);
                   });
  check_containers(spec, findings, "runAsUser=0", "must not set runAsUser=0", [&](const Value& c) {
    const std::int64_t by_pod = pod.at("runAsUser").int_or(1);
    return c.at("securityContext", "runAsUser").int_or(by_pod) == 0;
  });
  check_containers(spec, findings, "seccompProfile",
                   "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
                   [&](const Value& c) {
                     std::string_view type = c.at("securityContext", "seccompProfile", "type").str();
                     if (type.empty()) type = pod.at("seccompProfile", "type").str();
                     return type != "RuntimeDefault" && type != "Localhost";
                   });
}

/// What `level` holds against the pod; empty when nothing.
std::string violations(const Value& spec, std::string_view level) {
  Findings findings;
  if (level == "baseline" || level == "restricted") check_baseline(spec, findings);
  if (level == "restricted") check_restricted(spec, findings);
  std::string out;
  for (const std::string& finding : findings) out += (out.empty() ? "" : ", ") + finding;
  return out;
}

}  // namespace

ApiResult<> admit_pod_security(const Api& api, Admission& admission) {
  const Resource& resource = *admission.resource;
  const Value& spec = written_pod_spec(admission);
  if (!spec.is_object() || !spec.has("containers")) return {};
  const bool pod = is_pod(resource);
  if (admission.before != nullptr && pod && admission.before->at("spec") == spec) return {};
  const ObjectPtr space =
      api.get(api.schema().resource("", "namespaces"), {}, admission.object->at("metadata", "namespace").str());
  if (!space) return {};
  const std::string_view enforced = space->label(std::string(kPrefix) + "enforce");
  const std::string_view warned = space->label(std::string(kPrefix) + "warn");
  if (const std::string found = violations(spec, enforced); pod && !found.empty()) {
    return std::unexpected(Status::forbidden(resource, admission.object->at("metadata", "name").str(),
                                             fmt::format("violates PodSecurity \"{}:latest\": {}", enforced, found)));
  }
  const std::string_view level = warned.empty() && !pod ? enforced : warned;
  if (const std::string found = violations(spec, level); !found.empty() && admission.warnings != nullptr) {
    admission.warnings->push_back(fmt::format("would violate PodSecurity \"{}:latest\": {}", level, found));
  }
  return {};
}

}  // namespace fairlead::api
