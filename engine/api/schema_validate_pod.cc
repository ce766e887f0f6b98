// Pods and pod templates. Source: pkg/apis/core/validation/validation.go, ValidatePodSpec and ValidatePodUpdate.
#include <limits>

#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::int64_t kMostInt32 = std::numeric_limits<std::int32_t>::max();

void check_between(const Value& value, std::int64_t least, std::int64_t most, const std::string& path,
                   Findings& findings) {
  if (!value.is_int() || (value.int_or(0) >= least && value.int_or(0) <= most)) return;
  findings.invalid(path, value, fmt::format("must be between {} and {}, inclusive", least, most));
}

void check_tolerations(const Value& list, const std::string& path, Findings& findings) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value& item = list.at(i);
    const std::string where = index_path(path, i);
    const std::string_view op = item.at("operator").str();
    if (!item.at("key").str().empty()) {
      if (const std::string why = bad_qualified_name(item.at("key").str()); !why.empty())
        findings.invalid(where + ".key", item.at("key"), why);
    } else if (op != "Exists") {
      findings.invalid(where + ".operator", item.at("operator"),
                       "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
    }
    if (!item.at("tolerationSeconds").is_null() && item.at("effect").str() != "NoExecute") {
      findings.invalid(where + ".effect", item.at("effect"),
                       "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (op == "Exists" && !item.at("value").str().empty()) {
      findings.invalid(where + ".operator", item.at("value"), "value must be empty when `operator` is 'Exists'");
    }
    if (!op.empty()) check_one_of(item.at("operator"), {"Equal", "Exists"}, where + ".operator", findings);
    if (!item.at("effect").str().empty()) {
      check_one_of(item.at("effect"), {"NoSchedule", "PreferNoSchedule", "NoExecute"}, where + ".effect", findings);
    }
  }
}

void check_node_terms(const Value& term, const std::string& path, Findings& findings) {
  const Value& expressions = term.at("matchExpressions");
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    const Value& item = expressions.at(i);
    const std::string where = index_path(path + ".matchExpressions", i);
    const std::string_view op = item.at("operator").str();
    if ((op == "In" || op == "NotIn") && item.at("values").empty()) {
      findings.required(where + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if ((op == "Exists" || op == "DoesNotExist") && !item.at("values").empty()) {
      findings.forbidden(where + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if ((op == "Gt" || op == "Lt") && item.at("values").size() != 1) {
      findings.required(where + ".values", "must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
    if (const std::string why = bad_qualified_name(item.at("key").str()); !why.empty())
      findings.invalid(where + ".key", item.at("key"), why);
  }
}

void check_weight(const Value& item, const std::string& where, Findings& findings) {
  const std::int64_t weight = item.at("weight").int_or(0);
  if (weight < 1 || weight > 100) findings.invalid(where + ".weight", Value(weight), "must be in the range 1-100");
}

void check_topology_key(const Value& key, const std::string& path, Findings& findings) {
  if (key.str().empty()) findings.required(path, "can not be empty");
  if (const std::string why = bad_qualified_name(key.str()); !why.empty()) findings.invalid(path, key, why);
}

void check_affinity(const Value& affinity, const std::string& path, Findings& findings) {
  constexpr std::string_view kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
  constexpr std::string_view kPreferred = "preferredDuringSchedulingIgnoredDuringExecution";
  const Value& node = affinity.at("nodeAffinity");
  const std::string node_path = path + ".nodeAffinity";
  if (node.has(kRequired)) {
    const std::string where = fmt::format("{}.{}.nodeSelectorTerms", node_path, kRequired);
    const Value& terms = node.at(kRequired, "nodeSelectorTerms");
    if (terms.empty()) findings.required(where, "must have at least one node selector term");
    for (std::size_t i = 0; i < terms.size(); ++i) check_node_terms(terms.at(i), index_path(where, i), findings);
  }
  for (std::size_t i = 0; i < node.at(kPreferred).size(); ++i) {
    const std::string where = index_path(child_path(node_path, kPreferred), i);
    check_weight(node.at(kPreferred, i), where, findings);
    check_node_terms(node.at(kPreferred, i, "preference"), where + ".preference", findings);
  }
  for (const std::string_view kind : {"podAffinity", "podAntiAffinity"}) {
    const Value& pods = affinity.at(kind);
    const std::string base = child_path(path, kind);
    for (std::size_t i = 0; i < pods.at(kRequired).size(); ++i) {
      const std::string where = index_path(child_path(base, kRequired), i);
      check_label_selector(pods.at(kRequired, i, "labelSelector"), where + ".labelSelector", findings);
      check_topology_key(pods.at(kRequired, i, "topologyKey"), where + ".topologyKey", findings);
    }
    for (std::size_t i = 0; i < pods.at(kPreferred).size(); ++i) {
      const std::string where = index_path(child_path(base, kPreferred), i);
      check_weight(pods.at(kPreferred, i), where, findings);
      check_topology_key(pods.at(kPreferred, i, "podAffinityTerm", "topologyKey"),
                         where + ".podAffinityTerm.topologyKey", findings);
    }
  }
}

void check_spread(const Value& list, const std::string& path, Findings& findings) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value& item = list.at(i);
    const std::string where = index_path(path, i);
    if (item.at("maxSkew").int_or(0) <= 0)
      findings.invalid(where + ".maxSkew", item.at("maxSkew"), "must be greater than zero");
    if (item.at("topologyKey").str().empty()) findings.required(where + ".topologyKey", "can not be empty");
    check_one_of(item.at("whenUnsatisfiable"), {"DoNotSchedule", "ScheduleAnyway"}, where + ".whenUnsatisfiable",
                 findings);
    check_label_selector(item.at("labelSelector"), where + ".labelSelector", findings);
  }
}

void check_pod_security(const Value& context, const std::string& path, Findings& findings) {
  for (const std::string_view field : {"runAsUser", "runAsGroup", "fsGroup"}) {
    check_between(context.at(field), 0, kMostInt32, child_path(path, field), findings);
  }
  const Value& profile = context.at("seccompProfile");
  if (!profile.is_null()) {
    check_one_of(profile.at("type"), {"Localhost", "RuntimeDefault", "Unconfined"}, path + ".seccompProfile.type",
                 findings);
    if (profile.at("type").str() == "Localhost" && profile.at("localhostProfile").str().empty()) {
      findings.required(path + ".seccompProfile.localhostProfile", "must be set when seccomp type is Localhost");
    }
  }
  const Value& sysctls = context.at("sysctls");
  for (std::size_t i = 0; i < sysctls.size(); ++i) {
    const std::string_view name = sysctls.at(i, "name").str();
    const std::string where = index_path(path + ".sysctls", i) + ".name";
    if (name.empty()) {
      findings.required(where);
    } else if (name.contains(' ')) {
      findings.invalid(where, sysctls.at(i, "name"),
                       "must have at most 253 characters and match regex "
                       "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    }
  }
}

/// The same spec but for what an update of a pod may change.
Value frozen(const Value& spec) {
  Value out = spec;
  for (const std::string_view list : {"containers", "initContainers"}) {
    if (Value* containers = out.find(list)) {
      for (Value& item : containers->mutable_items()) item.erase("image");
    }
  }
  for (const std::string_view field : {"activeDeadlineSeconds", "tolerations", "schedulingGates"}) out.erase(field);
  return out;
}

void check_pod_spec(const Value& spec, const std::string& path, Findings& findings) {
  check_volumes(spec.at("volumes"), path + ".volumes", findings);
  check_containers(spec, path, findings);
  check_one_of(spec.at("restartPolicy"), {"Always", "OnFailure", "Never"}, path + ".restartPolicy", findings);
  check_one_of(spec.at("dnsPolicy"), {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"},
               path + ".dnsPolicy", findings);
  check_labels(spec.at("nodeSelector"), path + ".nodeSelector", findings);
  check_pod_security(spec.at("securityContext"), path + ".securityContext", findings);
  if (spec.at("dnsPolicy").str() == "None" && spec.at("dnsConfig", "nameservers").empty()) {
    findings.required(spec.has("dnsConfig") ? path + ".dnsConfig.nameservers" : path + ".dnsConfig",
                      spec.has("dnsConfig") ? "must provide at least one DNS nameserver when `dnsPolicy` is None"
                                            : "must provide `dnsConfig` when `dnsPolicy` is None");
  }
  for (const std::string_view field : {"serviceAccountName", "nodeName", "priorityClassName"}) {
    const Value& value = spec.at(field);
    const std::string why = value.str().empty() ? std::string() : bad_subdomain(value.str());
    if (!why.empty()) findings.invalid(child_path(path, field), value, why);
  }
  for (const std::string_view field : {"hostname", "subdomain"}) {
    const Value& value = spec.at(field);
    const std::string why = value.str().empty() ? std::string() : bad_label(value.str());
    if (!why.empty()) findings.invalid(child_path(path, field), value, why);
  }
  check_between(spec.at("activeDeadlineSeconds"), 1, kMostInt32, path + ".activeDeadlineSeconds", findings);
  check_tolerations(spec.at("tolerations"), path + ".tolerations", findings);
  check_affinity(spec.at("affinity"), path + ".affinity", findings);
  check_spread(spec.at("topologySpreadConstraints"), path + ".topologySpreadConstraints", findings);
}

}  // namespace

void check_template_spec(const Value& spec, const std::string& path, Findings& findings) {
  check_pod_spec(spec, path, findings);
  if (!spec.at("ephemeralContainers").empty())
    findings.forbidden(child_path(path, "ephemeralContainers"), "ephemeral containers not allowed in pod template");
}

void check_pod(const Value& object, const Value* before, Findings& findings) {
  check_pod_spec(object.at("spec"), "spec", findings);
  if (before == nullptr && !object.at("spec", "ephemeralContainers").empty())
    findings.forbidden("spec.ephemeralContainers", "cannot be set on create");
  if (before == nullptr || frozen(object.at("spec")) == frozen(before->at("spec"))) return;
  findings.forbidden(
      "spec",
      "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
      "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
      "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)");
}

}  // namespace fairlead::api
