// HorizontalPodAutoscalers and PodDisruptionBudgets. Sources: pkg/apis/{autoscaling,policy}/validation/validation.go.
#include <array>
#include <charconv>
#include <utility>

#include "base/quantity.h"
#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::int64_t kMostWindow = 3600;  ///< Seconds.
constexpr std::int64_t kMostPeriod = 1800;  ///< Seconds.

struct Source {
  std::string_view type;
  std::string_view field;
};
/// Upstream checks the first of these that is there.
constexpr std::array<Source, 5> kSources{{{"Object", "object"},
                                          {"External", "external"},
                                          {"Pods", "pods"},
                                          {"Resource", "resource"},
                                          {"ContainerResource", "containerResource"}}};
const std::vector<std::string_view> kTypes{"ContainerResource", "External", "Object", "Pods", "Resource"};

void check_target(const Value& source, const std::string& path, Findings& findings) {
  const Value& target = source.at("target");
  const std::string where = path + ".target";
  const Value& utilization = target.at("averageUtilization");
  if (utilization.is_int() && utilization.int_or(0) < 1)
    findings.invalid(where + ".averageUtilization", utilization, "must be greater than 0");
  for (const std::string_view field : {"value", "averageValue"}) {
    if (target.has(field) && Quantity::of(target.at(field)).nano <= 0)
      findings.invalid(child_path(where, field), target.at(field), "must be positive");
  }
}

void check_resource_metric(const Value& source, const std::string& path, Findings& findings) {
  if (source.at("name").str().empty()) findings.required(path + ".name", "must specify a resource name");
  const Value& target = source.at("target");
  check_target(source, path, findings);
  if (target.at("averageUtilization").is_null() && target.at("averageValue").is_null()) {
    findings.required(path + ".target.averageUtilization",
                      "must set either a target raw value or a target utilization");
  } else if (!target.at("averageUtilization").is_null() && !target.at("averageValue").is_null()) {
    findings.forbidden(path + ".target.averageValue", "may not set both a target raw value and a target utilization");
  }
}

void check_source(std::string_view type, const Value& source, const std::string& path, Findings& findings) {
  if (type == "Resource" || type == "ContainerResource") return check_resource_metric(source, path, findings);
  if (source.at("metric", "name").str().empty()) findings.required(path + ".metric.name", "must specify a metric name");
  if (type == "Pods" && source.at("target", "averageValue").is_null()) {
    findings.required(path + ".target.averageValue", "must specify a positive target averageValue");
  }
  check_target(source, path, findings);
}

void check_metric(const Value& metric, const std::string& path, Findings& findings) {
  const std::string_view type = metric.at("type").str();
  std::string_view expected;
  for (const Source& source : kSources) {
    if (source.type == type) expected = source.field;
  }
  if (expected.empty()) return findings.not_supported(path + ".type", metric.at("type"), kTypes);
  if (!metric.has(expected)) {
    findings.required(child_path(path, expected), "must populate information for the given metric source");
  }
  bool first = true;
  for (const Source& source : kSources) {
    if (!metric.has(source.field)) continue;
    const std::string where = child_path(path, source.field);
    if (source.field != expected) findings.forbidden(where, "must populate the given metric source only");
    if (std::exchange(first, false)) check_source(source.type, metric.at(source.field), where, findings);
  }
}

void check_rules(const Value& rules, const std::string& path, Findings& findings) {
  if (rules.is_null()) return;
  const Value& window = rules.at("stabilizationWindowSeconds");
  check_least(window, 0, path + ".stabilizationWindowSeconds", findings);
  if (window.int_or(0) > kMostWindow) {
    findings.invalid(path + ".stabilizationWindowSeconds", window,
                     fmt::format("must be less than or equal to {}", kMostWindow));
  }
  if (rules.has("tolerance") && Quantity::of(rules.at("tolerance")).nano < 0)
    findings.invalid(path + ".tolerance", rules.at("tolerance"), "must be greater than or equal to 0");
  check_one_of(rules.at("selectPolicy"), {"Disabled", "Max", "Min"}, path + ".selectPolicy", findings);
  if (rules.at("policies").empty()) findings.required(path + ".policies", "must specify at least one Policy");
  for (std::size_t i = 0; i < rules.at("policies").size(); ++i) {
    const Value& policy = rules.at("policies", i);
    const std::string where = index_path(path + ".policies", i);
    check_one_of(policy.at("type"), {"Percent", "Pods"}, where + ".type", findings);
    for (const std::string_view field : {"value", "periodSeconds"}) {
      if (policy.at(field).int_or(0) <= 0)
        findings.invalid(child_path(where, field), policy.at(field), "must be greater than zero");
    }
    if (policy.at("periodSeconds").int_or(0) > kMostPeriod) {
      findings.invalid(where + ".periodSeconds", policy.at("periodSeconds"),
                       fmt::format("must be less than or equal to {}", kMostPeriod));
    }
  }
}

void check_target_reference(const Value& reference, Findings& findings) {
  const std::string path = "spec.scaleTargetRef";
  for (const std::string_view field : {"kind", "name"}) {
    if (reference.at(field).str().empty()) {
      findings.required(child_path(path, field));
    } else if (const std::string why = bad_path_segment(reference.at(field).str()); !why.empty()) {
      findings.invalid(child_path(path, field), reference.at(field), why);
    }
  }
  if (reference.at("apiVersion").str().empty())
    findings.invalid(path + ".apiVersion", "", "apiVersion must specify API group");
}

void check_budget(const Value& value, const std::string& path, Findings& findings) {
  if (value.is_string()) {
    if (const std::string why = bad_percent(value.str()); !why.empty()) return findings.invalid(path, value, why);
    int percent = 0;
    std::from_chars(value.str().data(), value.str().data() + value.str().size() - 1, percent);
    if (percent > 100) findings.invalid(path, value, "must not be greater than 100%");
  }
  check_least(value, 0, path, findings);
}

}  // namespace

void check_autoscaler(const Value& object, const Value*, Findings& findings) {
  const Value& spec = object.at("spec");
  const std::int64_t least = spec.at("minReplicas").int_or(1);
  const std::int64_t most = spec.at("maxReplicas").int_or(0);
  if (least < 1) findings.invalid("spec.minReplicas", spec.at("minReplicas"), "must be greater than or equal to 1");
  if (most < 1) {
    findings.required("spec.maxReplicas", "must be set and greater than 0");
  }
  if (most < least) {
    findings.invalid("spec.maxReplicas", spec.at("maxReplicas"), "must be greater than or equal to `minReplicas`");
  }
  check_target_reference(spec.at("scaleTargetRef"), findings);
  bool measured_outside = false;
  for (std::size_t i = 0; i < spec.at("metrics").size(); ++i) {
    const std::string_view type = spec.at("metrics", i, "type").str();
    measured_outside = measured_outside || type == "Object" || type == "External";
    check_metric(spec.at("metrics", i), index_path("spec.metrics", i), findings);
  }
  if (least == 0 && !measured_outside) {
    findings.forbidden("spec.metrics",
                       "must specify at least one Object or External metric to support scaling to zero replicas");
  }
  check_rules(spec.at("behavior", "scaleUp"), "spec.behavior.scaleUp", findings);
  check_rules(spec.at("behavior", "scaleDown"), "spec.behavior.scaleDown", findings);
}

void check_disruption_budget(const Value& object, const Value*, Findings& findings) {
  const Value& spec = object.at("spec");
  if (spec.has("minAvailable") && spec.has("maxUnavailable")) {
    findings.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
  }
  check_budget(spec.at("minAvailable"), "spec.minAvailable", findings);
  check_budget(spec.at("maxUnavailable"), "spec.maxUnavailable", findings);
  check_label_selector(spec.at("selector"), "spec.selector", findings);
  check_one_of(spec.at("unhealthyPodEvictionPolicy"), {"AlwaysAllow", "IfHealthyBudget"},
               "spec.unhealthyPodEvictionPolicy", findings);
}

}  // namespace fairlead::api
