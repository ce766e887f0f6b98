// ConfigMaps, Secrets, RBAC and the smaller kinds.
// Sources: pkg/apis/{core,rbac,coordination}/validation.
#include <algorithm>
#include <array>

#include "base/quantity.h"
#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::size_t kMaxData = 1024UL * 1024;  ///< Bytes of a Secret or ConfigMap.

void check_frozen(const Value& object, const Value* before, std::initializer_list<std::string_view> fields,
                  Findings& findings) {
  if (before == nullptr || !before->at("immutable").bool_or(false)) return;
  if (!object.at("immutable").bool_or(false))
    findings.forbidden("immutable", "field is immutable when `immutable` is set");
  for (const std::string_view field : fields) {
    if (object.at(field) != before->at(field))
      findings.forbidden(std::string(field), "field is immutable when `immutable` is set");
  }
}

void check_keys(const Value& data, std::string_view field, Findings& findings) {
  for (const Member& member : data.members()) {
    if (const std::string why = bad_config_key(member.key); !why.empty())
      findings.invalid(key_path(field, member.key), member.key, why);
  }
}

void check_size(const Value& first, const Value& second, Findings& findings) {
  std::size_t size = 0;
  for (const Value* data : {&first, &second}) {
    for (const Member& member : data->members()) size += member.value.str().size();
  }
  if (size > kMaxData) findings.too_long("", static_cast<std::int64_t>(kMaxData));
}

void check_policy_rule(const Value& rule, const std::string& where, bool namespaced, Findings& findings) {
  if (rule.at("verbs").empty()) findings.required(where + ".verbs", "verbs must contain at least one value");
  const Value& urls = rule.at("nonResourceURLs");
  if (!urls.empty()) {
    if (namespaced)
      return findings.invalid(where + ".nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs");
    if (!rule.at("apiGroups").empty() || !rule.at("resources").empty() || !rule.at("resourceNames").empty()) {
      findings.invalid(where + ".nonResourceURLs", urls,
                       "rules cannot apply to both regular resources and non-resource URLs");
    }
    return;
  }
  if (rule.at("apiGroups").empty())
    findings.required(where + ".apiGroups", "resource rules must supply at least one api group");
  if (rule.at("resources").empty())
    findings.required(where + ".resources", "resource rules must supply at least one resource");
}

void check_subject(const Value& subject, const std::string& where, bool namespaced, Findings& findings) {
  const Value& name = subject.at("name");
  if (name.str().empty()) findings.required(where + ".name");
  const std::string_view kind = subject.at("kind").str();
  if (kind == "ServiceAccount") {
    const std::string why = name.str().empty() ? std::string() : bad_subdomain(name.str());
    if (!why.empty()) findings.invalid(where + ".name", name, why);
    if (!subject.at("apiGroup").str().empty())
      findings.not_supported(where + ".apiGroup", subject.at("apiGroup"), {""});
    if (!namespaced && subject.at("namespace").str().empty()) findings.required(where + ".namespace");
  } else if (kind == "User" || kind == "Group") {
    check_one_of(subject.at("apiGroup"), {kRbac}, where + ".apiGroup", findings);
  } else {
    findings.not_supported(where + ".kind", subject.at("kind"), {"ServiceAccount", "User", "Group"});
  }
}

}  // namespace

void check_config_map(const Value& object, const Value* before, Findings& findings) {
  check_keys(object.at("data"), "data", findings);
  for (const Member& member : object.at("data").members()) {
    if (object.at("binaryData").has(member.key))
      findings.invalid(key_path("data", member.key), member.key, "duplicate of key present in binaryData");
  }
  check_keys(object.at("binaryData"), "binaryData", findings);
  check_size(object.at("data"), object.at("binaryData"), findings);
  check_frozen(object, before, {"data", "binaryData"}, findings);
}

void check_secret(const Value& object, const Value* before, Findings& findings) {
  struct Need {
    std::string_view type;
    std::string_view key;
  };
  constexpr std::array<Need, 4> kNeeds{{{"kubernetes.io/tls", "tls.crt"},
                                        {"kubernetes.io/tls", "tls.key"},
                                        {"kubernetes.io/dockercfg", ".dockercfg"},
                                        {"kubernetes.io/dockerconfigjson", ".dockerconfigjson"}}};
  check_keys(object.at("data"), "data", findings);
  check_size(object.at("data"), Value(), findings);
  for (const Need& need : kNeeds) {
    if (object.at("type").str() == need.type && !object.at("data").has(need.key))
      findings.required(key_path("data", need.key));
  }
  if (before != nullptr) check_immutable(object.at("type"), before->at("type"), "type", findings);
  check_frozen(object, before, {"data"}, findings);
}

void check_role(const Value& object, const Value*, Findings& findings) {
  const bool namespaced = object.at("kind").str() == "Role";
  for (std::size_t i = 0; i < object.at("rules").size(); ++i) {
    check_policy_rule(object.at("rules", i), index_path("rules", i), namespaced, findings);
  }
}

void check_binding(const Value& object, const Value* before, Findings& findings) {
  const bool namespaced = object.at("kind").str() == "RoleBinding";
  const Value& role = object.at("roleRef");
  check_one_of(role.at("apiGroup"), {kRbac}, "roleRef.apiGroup", findings);
  if (namespaced) {
    check_one_of(role.at("kind"), {"Role", "ClusterRole"}, "roleRef.kind", findings);
  } else {
    check_one_of(role.at("kind"), {"ClusterRole"}, "roleRef.kind", findings);
  }
  if (role.at("name").str().empty()) {
    findings.required("roleRef.name");
  } else if (const std::string why = bad_path_segment(role.at("name").str()); !why.empty()) {
    findings.invalid("roleRef.name", role.at("name"), why);
  }
  for (std::size_t i = 0; i < object.at("subjects").size(); ++i) {
    check_subject(object.at("subjects", i), index_path("subjects", i), namespaced, findings);
  }
  if (before != nullptr && role != before->at("roleRef")) findings.invalid("roleRef", role, "cannot change roleRef");
}

void check_lease(const Value& object, const Value*, Findings& findings) {
  const Value& duration = object.at("spec", "leaseDurationSeconds");
  if (duration.is_int() && duration.int_or(0) <= 0)
    findings.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0");
  check_least(object.at("spec", "leaseTransitions"), 0, "spec.leaseTransitions", findings);
}

void check_ingress(const Value& object, const Value*, Findings& findings) {
  const Value& spec = object.at("spec");
  if (spec.at("rules").empty() && spec.at("defaultBackend").is_null()) {
    findings.invalid("spec", spec, "either `defaultBackend` or `rules` must be specified");
  }
}

void check_claim_spec(const Value& spec, const std::string& path, Findings& findings) {
  const Value& modes = spec.at("accessModes");
  if (modes.empty()) findings.required(path + ".accessModes", "at least 1 access mode is required");
  bool one_pod = false;
  for (const Value& mode : modes.items()) {
    check_one_of(mode, {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"}, path + ".accessModes",
                 findings);
    one_pod = one_pod || mode.str() == "ReadWriteOncePod";
  }
  if (one_pod && modes.size() > 1)
    findings.forbidden(path + ".accessModes", "may not use ReadWriteOncePod with other access modes");
  const Value& storage = spec.at("resources", "requests", "storage");
  const std::string where = path + ".resources[storage]";
  if (storage.is_null()) {
    findings.required(where);
  } else if (Quantity::of(storage).nano <= 0) {
    findings.invalid(where, storage, "must be greater than zero");
  }
  check_one_of(spec.at("volumeMode"), {"Block", "Filesystem"}, path + ".volumeMode", findings);
}

void check_claim(const Value& object, const Value*, Findings& findings) {
  check_claim_spec(object.at("spec"), "spec", findings);
}

void check_storage_class(const Value& object, const Value*, Findings& findings) {
  if (object.at("provisioner").str().empty()) findings.required("provisioner");
}

void check_priority_class(const Value& object, const Value*, Findings& findings) {
  const std::string_view name = object.at("metadata", "name").str();
  if (name.starts_with("system-") && name != "system-node-critical" && name != "system-cluster-critical") {
    findings.forbidden(
        "metadata.name",
        fmt::format("priority class names with 'system-' prefix are reserved for system use only. error: {} is not a "
                    "known system priority class",
                    name));
  }
  check_one_of(object.at("preemptionPolicy"), {"PreemptLowerPriority", "Never"}, "preemptionPolicy", findings);
}

}  // namespace fairlead::api
