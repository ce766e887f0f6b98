// Where pods may go. Source: pkg/apis/core/validation/validation.go, ValidateTolerations, validateAffinity and
// validateTopologySpreadConstraints.
#include "engine/api/schema_names.h"
#include "engine/api/schema_type.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

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
    for (std::size_t j = i + 1; j < list.size(); ++j) {
      if (list.at(j, "topologyKey") != item.at("topologyKey") ||
          list.at(j, "whenUnsatisfiable") != item.at("whenUnsatisfiable"))
        continue;
      findings.duplicate(where + ".{topologyKey, whenUnsatisfiable}",
                         fmt::format("{{{}, {}}}", item.at("topologyKey").str(), item.at("whenUnsatisfiable").str()));
      break;
    }
    const Value& domains = item.at("minDomains");
    if (domains.is_int() && domains.int_or(0) <= 0)
      findings.invalid(where + ".minDomains", domains, "must be greater than zero");
    if (!domains.is_null() && item.at("whenUnsatisfiable").str() != "DoNotSchedule") {
      findings.invalid(where + ".minDomains", domains,
                       fmt::format("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}",
                                   item.at("whenUnsatisfiable").str()));
    }
    for (const std::string_view field : {"nodeAffinityPolicy", "nodeTaintsPolicy"})
      check_one_of(item.at(field), {"Honor", "Ignore"}, child_path(where, field), findings);
    check_label_selector(item.at("labelSelector"), where + ".labelSelector", findings);
  }
}

}  // namespace

void check_placement(const Value& spec, const std::string& path, Findings& findings) {
  check_tolerations(spec.at("tolerations"), path + ".tolerations", findings);
  check_affinity(spec.at("affinity"), path + ".affinity", findings);
  check_spread(spec.at("topologySpreadConstraints"), path + ".topologySpreadConstraints", findings);
}

}  // namespace fairlead::api
