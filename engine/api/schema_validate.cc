// Validation of one object: what every kind has in common, and who checks the rest.
#include "engine/api/schema_validate.h"

#include <algorithm>
#include <array>

#include "engine/api/schema_names.h"

namespace fairlead::api {
namespace {

constexpr std::size_t kMaxAnnotations = 256UL * 1024;  ///< Keys and values together, in bytes.

struct KindRule {
  std::string_view group;
  std::string_view kind;
  void (*check)(const Value& object, const Value* before, Findings& findings);
};

constexpr std::array kRules{
    KindRule{"", "Pod", check_pod},
    KindRule{"", "ConfigMap", check_config_map},
    KindRule{"", "Secret", check_secret},
    KindRule{"", "Service", check_service},
    KindRule{"", "Node", check_node},
    KindRule{"", "Event", check_event},
    KindRule{"", "PersistentVolume", check_volume},
    KindRule{"apps", "Deployment", check_deployment},
    KindRule{"apps", "ReplicaSet", check_replica_set},
    KindRule{"apps", "StatefulSet", check_stateful_set},
    KindRule{"apps", "DaemonSet", check_daemon_set},
    KindRule{"batch", "Job", check_job},
    KindRule{"batch", "CronJob", check_cron_job},
    KindRule{"autoscaling", "HorizontalPodAutoscaler", check_autoscaler},
    KindRule{"policy", "PodDisruptionBudget", check_disruption_budget},
    KindRule{"networking.k8s.io", "NetworkPolicy", check_network_policy},
    KindRule{"discovery.k8s.io", "EndpointSlice", check_endpoint_slice},
    KindRule{"rbac.authorization.k8s.io", "Role", check_role},
    KindRule{"rbac.authorization.k8s.io", "ClusterRole", check_role},
    KindRule{"rbac.authorization.k8s.io", "RoleBinding", check_binding},
    KindRule{"rbac.authorization.k8s.io", "ClusterRoleBinding", check_binding},
    KindRule{"coordination.k8s.io", "Lease", check_lease},
    KindRule{"networking.k8s.io", "Ingress", check_ingress},
    KindRule{"", "PersistentVolumeClaim", check_claim},
    KindRule{"storage.k8s.io", "StorageClass", check_storage_class},
    KindRule{"scheduling.k8s.io", "PriorityClass", check_priority_class},
    KindRule{"apiextensions.k8s.io", "CustomResourceDefinition", check_definition},
};

std::string bad_name(const Resource& resource, std::string_view name) {
  if (resource.group == "rbac.authorization.k8s.io") return bad_path_segment(name);
  if (resource.group.empty() && resource.kind == "Service") return bad_label(name);
  if (resource.group.empty() && resource.kind == "Namespace")
    return name.contains('.') ? "must not contain dots" : bad_label(name);
  return bad_subdomain(name);
}

void check_owners(const Value& owners, Findings& findings) {
  const std::string path = "metadata.ownerReferences";
  std::size_t controllers = 0;
  for (const Value& owner : owners.items()) {
    if (owner.at("apiVersion").str().empty())
      findings.invalid(path + ".apiVersion", owner.at("apiVersion"), "version must not be empty");
    for (const std::string_view field : {"kind", "name", "uid"}) {
      if (owner.at(field).str().empty())
        findings.invalid(child_path(path, field), owner.at(field), "must not be empty");
    }
    controllers += owner.at("controller").bool_or(false) ? 1U : 0U;
  }
  if (controllers > 1) findings.invalid(path, owners, "Only one reference can have Controller set to true");
}

/// Kinds of Kubernetes itself want finalizers with a slash; definitions and custom resources do not.
bool wants_qualified_finalizers(const Resource& resource) {
  return resource.type->typed && resource.group != "apiextensions.k8s.io" && resource.group != "apiregistration.k8s.io";
}

void check_finalizers(const Value& finalizers, bool qualified, Findings& findings) {
  constexpr std::array<std::string_view, 3> kStandard{"kubernetes", "orphan", "foregroundDeletion"};
  for (std::size_t i = 0; i < finalizers.size(); ++i) {
    const Value& item = finalizers.at(i);
    if (const std::string why = bad_qualified_name(item.str()); !why.empty())
      findings.invalid("metadata.finalizers", item, why);
    if (!qualified || item.str().contains('/') || std::ranges::find(kStandard, item.str()) != kStandard.end()) continue;
    findings.invalid(index_path("metadata.finalizers", i), item,
                     "name is neither a standard finalizer name nor is it fully qualified");
  }
}

}  // namespace

void check_annotations(const Value& annotations, const std::string& path, Findings& findings) {
  std::size_t size = 0;
  for (const Member& member : annotations.members()) {
    std::string lower = member.key;
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (const std::string why = bad_qualified_name(lower); !why.empty()) findings.invalid(path, member.key, why);
    size += member.key.size() + member.value.str().size();
  }
  if (size > kMaxAnnotations) findings.too_long(path, static_cast<std::int64_t>(kMaxAnnotations));
}

void check_metadata(const Resource& resource, const Value& object, const Value* before, Findings& findings) {
  const Value& meta = object.at("metadata");
  const std::string_view name = meta.at("name").str();
  if (name.empty() && meta.at("generateName").str().empty()) {
    findings.required("metadata.name", "name or generateName is required");
  } else if (!name.empty()) {
    if (const std::string why = bad_name(resource, name); !why.empty())
      findings.invalid("metadata.name", meta.at("name"), why);
  }
  check_labels(meta.at("labels"), "metadata.labels", findings);
  check_annotations(meta.at("annotations"), "metadata.annotations", findings);
  check_owners(meta.at("ownerReferences"), findings);
  check_finalizers(meta.at("finalizers"), wants_qualified_finalizers(resource), findings);
  if (before == nullptr) return;
  for (const std::string_view field : {"name", "namespace"}) {
    check_immutable(meta.at(field), before->at("metadata", field), child_path("metadata", field), findings);
  }
}

void check_kind(const Resource& resource, const Value& object, const Value* before, Findings& findings) {
  for (const KindRule& rule : kRules) {
    if (rule.group == resource.group && rule.kind == resource.kind) return rule.check(object, before, findings);
  }
}

void check_least(const Value& value, std::int64_t least, std::string path, Findings& findings) {
  if (!value.is_int() || value.int_or(0) >= least) return;
  findings.invalid(
      std::move(path), value,
      least == 0 ? "must be greater than or equal to 0" : fmt::format("must be greater than or equal to {}", least));
}

void check_between(const Value& value, std::int64_t least, std::int64_t most, const std::string& path,
                   Findings& findings) {
  if (!value.is_int() || (value.int_or(0) >= least && value.int_or(0) <= most)) return;
  findings.invalid(path, value, fmt::format("must be between {} and {}, inclusive", least, most));
}

void check_port(const Value& value, const std::string& path, Findings& findings) {
  if (value.is_int() && (value.int_or(0) < 1 || value.int_or(0) > 65535)) {
    findings.invalid(path, value, "must be between 1 and 65535, inclusive");
  } else if (value.is_string()) {
    if (const std::string why = bad_port_name(value.str()); !why.empty()) findings.invalid(path, value, why);
  }
}

void check_one_of(const Value& value, const std::vector<std::string_view>& supported, std::string path,
                  Findings& findings) {
  if (value.is_null() || std::ranges::find(supported, value.str()) != supported.end()) return;
  findings.not_supported(std::move(path), value, supported);
}

void check_labels(const Value& labels, const std::string& path, Findings& findings) {
  for (const Member& member : labels.members()) {
    if (const std::string why = bad_qualified_name(member.key); !why.empty()) findings.invalid(path, member.key, why);
    if (const std::string why = bad_label_value(member.value.str()); !why.empty())
      findings.invalid(path, member.value, why);
  }
}

bool check_label_selector(const Value& selector, const std::string& path, Findings& findings) {
  Findings own;
  check_labels(selector.at("matchLabels"), path + ".matchLabels", own);
  bool fine = own.empty();
  for (FieldError& finding : own.take()) findings.add(std::move(finding));
  const Value& expressions = selector.at("matchExpressions");
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    const Value& item = expressions.at(i);
    const std::string where = index_path(path + ".matchExpressions", i);
    const std::string_view op = item.at("operator").str();
    if (op == "In" || op == "NotIn") {
      if (!item.at("values").empty()) continue;
      findings.required(where + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (op == "Exists" || op == "DoesNotExist") {
      if (item.at("values").empty()) continue;
      findings.forbidden(where + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
      findings.invalid(where + ".operator", item.at("operator"), "not a valid selector operator");
    }
    fine = false;
  }
  return fine;
}

void check_immutable(const Value& now, const Value& before, std::string path, Findings& findings) {
  if (now == before) return;
  findings.invalid(std::move(path), now, "field is immutable");
}

namespace {

/// True for a write of status or of metadata that no rule reads. What was stored under older rules may stay then, as
/// upstream validates such writes by themselves.
bool keeps_intent(const Value& object, const Value& before) {
  for (const std::string_view field : {"labels", "annotations"}) {
    if (object.at("metadata", field) != before.at("metadata", field)) return false;
  }
  const auto kept = [](const Value& now, const Value& then) {
    return std::ranges::all_of(now.members(), [&](const Member& member) {
      return member.key == "status" || member.key == "metadata" || member.value == then.at(member.key);
    });
  };
  return kept(object, before) && kept(before, object);
}

}  // namespace

std::vector<FieldError> Schema::validate(const Resource& resource, const Value& object, const Value* before) const {
  Findings findings;
  // Reviews and bindings are questions, not objects: they have no name.
  const bool stored = std::ranges::find(resource.verbs, "list") != resource.verbs.end();
  if (stored) check_metadata(resource, object, before, findings);
  const bool custom = resource.type->field("metadata") != nullptr && !resource.type->typed;
  if (custom) check_custom(resource, object, findings);
  // Of a definition, status has a rule of its own.
  const bool definition = resource.group == "apiextensions.k8s.io";
  if (before == nullptr || definition || !keeps_intent(object, *before)) check_kind(resource, object, before, findings);
  return findings.take();
}

}  // namespace fairlead::api
