// Pod Security Admission. Source: k8s.io/pod-security-admission/admission/admission.go.
#include "engine/api/admission_pod_security.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/api/admission.h"

namespace fairlead::api {
namespace {

constexpr std::size_t kMostPodsChecked = 3000;  ///< When a namespace asks for more than it did.

/// `PodSecurity "restricted:latest": …`; empty when the pod keeps to the policy.
std::string violations(const PodSecurityPolicy& policy, const Value& metadata, const Value& spec) {
  std::string out;
  for (const PodSecurityFinding& finding : check_pod_security(policy, metadata, spec))
    out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", finding.reason, finding.detail);
  return out.empty() ? out : fmt::format("PodSecurity \"{}\": {}", policy.to_string(), out);
}

std::string reasons(const PodSecurityPolicy& policy, const Object& pod) {
  std::string out;
  for (const PodSecurityFinding& finding : check_pod_security(policy, pod.at("metadata"), pod.at("spec")))
    out += fmt::format("{}{}", out.empty() ? "" : ", ", finding.reason);
  return out;
}

/// Warns of pods that run already and would be refused now.
void warn_of_pods(const Api& api, std::string_view ns, const PodSecurityPolicy& policy,
                  std::vector<std::string>& warnings) {
  std::map<std::string, std::vector<std::string>> names;  // Of pods, by what is held against them.
  const std::vector<ObjectPtr> pods = api.list(api.schema().resource("", "pods"), ns);
  for (std::size_t i = 0; i < std::min(pods.size(), kMostPodsChecked); ++i) {
    if (std::string why = reasons(policy, *pods[i]); !why.empty()) names[std::move(why)].emplace_back(pods[i]->name());
  }
  if (pods.size() > kMostPodsChecked) {
    warnings.push_back(
        fmt::format("new PodSecurity enforce level only checked against the first {} of {} existing pods",
                    kMostPodsChecked, pods.size()));
  }
  if (names.empty()) return;
  warnings.push_back(fmt::format("existing pods in namespace \"{}\" violate the new PodSecurity enforce level \"{}\"",
                                 ns, policy.to_string()));
  std::vector<std::string> lines;
  for (const auto& [why, who] : names) {
    const std::size_t others = who.size() - 1;
    const std::string more = others == 0 ? "" : fmt::format(" (and {} other pod{})", others, others == 1 ? "" : "s");
    lines.push_back(fmt::format("{}{}: {}", *std::ranges::min_element(who), more, why));
  }
  std::ranges::sort(lines);
  warnings.insert(warnings.end(), lines.begin(), lines.end());
}

ApiResult<> admit_namespace_labels(const Api& api, Admission& admission) {
  const std::string_view name = admission.object->at("metadata", "name").str();
  NamespacePolicy policy = namespace_policy(admission.object->at("metadata", "labels"));
  NamespacePolicy before;
  if (admission.before != nullptr) before = namespace_policy(admission.before->at("metadata", "labels"));
  const auto same = [](const FieldError& a, const FieldError& b) {
    return a.field == b.field && a.message == b.message;
  };
  // What is stored already may stay, so that the namespace can still be written.
  if (!policy.errors.empty() && !std::ranges::equal(policy.errors, before.errors, same))
    return std::unexpected(Status::invalid(*admission.resource, name, std::move(policy.errors)));
  if (admission.before == nullptr || admission.warnings == nullptr) return {};
  const bool relaxed = policy.enforce.minor == before.enforce.minor && policy.enforce.level <= before.enforce.level;
  if (policy.enforce.level != PodSecurityLevel::kPrivileged && !relaxed)
    warn_of_pods(api, name, policy.enforce, *admission.warnings);
  return {};
}

/// Of the fields of a pod that may change, only images matter.
bool images_differ(const Value& spec, const Value& before) {
  for (const std::string_view list : {"containers", "initContainers", "ephemeralContainers"}) {
    const Value& now = spec.at(list);
    const Value& then = before.at(list);
    if (now.size() != then.size()) return true;
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (now.at(i, "image") != then.at(i, "image")) return true;
    }
  }
  return false;
}

/// The template of a CronJob's pods or of a PodTemplate, too; elsewhere that of spec.template.
const Value& template_of(const Admission& admission) {
  const Value& object = *admission.object;
  if (admission.resource->kind == "CronJob") return object.at("spec", "jobTemplate", "spec", "template");
  if (admission.resource->kind == "PodTemplate") return object.at("template");
  return object.at("spec", "template");
}

}  // namespace

ApiResult<> admit_pod_security(const Api& api, Admission& admission) {
  if (admission.object == nullptr || admission.subresource != Subresource::kNone) return {};
  const Resource& resource = *admission.resource;
  if (resource.group.empty() && resource.kind == "Namespace") return admit_namespace_labels(api, admission);
  if (!resource.namespaced) return {};
  const bool pod = is_pod(resource);
  if (!pod && admission.warnings == nullptr) return {};
  const Value& tree = pod ? *admission.object : template_of(admission);
  const Value& spec = tree.at("spec");
  if (!spec.is_object() || !spec.has("containers")) return {};
  if (admission.before != nullptr && pod && !images_differ(spec, admission.before->at("spec"))) return {};
  const Value& metadata = admission.object->at("metadata");
  const ObjectPtr space = api.get(api.schema().resource("", "namespaces"), {}, metadata.at("namespace").str());
  if (!space) return {};
  const NamespacePolicy policy = namespace_policy(space->at("metadata", "labels"));
  if (const std::string found = violations(policy.enforce, tree.at("metadata"), spec); pod && !found.empty())
    return std::unexpected(Status::forbidden(resource, metadata.at("name").str(), "violates " + found));
  if (admission.warnings == nullptr) return {};
  if (const std::string found = violations(policy.warn, tree.at("metadata"), spec); !found.empty())
    admission.warnings->push_back("would violate " + found);
  return {};
}

}  // namespace fairlead::api
