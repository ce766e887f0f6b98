#include "engine/control/rollout_validation.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "engine/api/selector.h"
#include "engine/control/analysis_args.h"
#include "engine/control/delivery_names.h"
#include "engine/control/rollout_pause.h"

namespace fairlead::control {
namespace {

using Reason = api::FieldError::Reason;

/// Collects problems below one path.
class Problems {
 public:
  void add(Reason reason, std::string field, std::string message, const Value& at) {
    out_.push_back({.reason = reason,
                    .field = std::move(field),
                    .message = std::move(message),
                    .line = at.line(),
                    .column = at.column()});
  }
  void add(api::FieldError error) { out_.push_back(std::move(error)); }
  void invalid(const std::string& field, const Value& value, std::string_view why) {
    add(Reason::kInvalid, field, fmt::format("Invalid value: {}: {}", to_json(value), why), value);
  }
  void required(const std::string& field, std::string_view why, const Value& at) {
    add(Reason::kRequired, field, fmt::format("Required value: {}", why), at);
  }
  void unsupported(const std::string& field, const Value& at, std::string_view instead) {
    add(Reason::kForbidden, field,
        fmt::format("Forbidden: nothing here acts on this field{}{}", instead.empty() ? "" : "; ", instead), at);
  }
  /// Refuses `key` of `tree` where it is set.
  void refuse(const Value& tree, const std::string& path, std::string_view key, std::string_view instead) {
    if (const Value* value = tree.find(key); value != nullptr && !value->is_null())
      unsupported(fmt::format("{}.{}", path, key), *value, instead);
  }
  std::vector<api::FieldError> take() { return std::move(out_); }

 private:
  std::vector<api::FieldError> out_;
};

constexpr std::string_view kCanaryPath = "spec.strategy.canary";

void check_selector(const Value& spec, Problems& problems) {
  const Value& selector = spec.at("selector");
  if (!selector.is_object()) {
    problems.required("spec.selector", "Rollout has missing field '.spec.selector'", spec);
    return;
  }
  const auto parsed = api::Selector::from_label_selector(selector);
  if (!parsed) {
    problems.invalid("spec.selector", selector, parsed.error().message);
  } else if (parsed->selects_everything()) {
    problems.invalid("spec.selector", selector, "empty selector is invalid for deployment");
  }
}

/// The pod template as a ReplicaSet of it would be judged, which nobody could create otherwise.
void check_template(const api::Schema& schema, const Value& spec, Problems& problems) {
  const api::Resource& kind = schema.resource("apps", "replicasets");
  Value object =
      Value::object({{"apiVersion", kind.api_version()},
                     {"kind", kind.kind},
                     {"metadata", Value::object({{"name", "template"}, {"namespace", "default"}})},
                     {"spec", Value::object({{"selector", spec.at("selector")}, {"template", spec.at("template")}})}});
  bool readable = true;
  for (api::FieldError& error : schema.decode(kind, object)) {
    // What is unknown or said twice is dropped, as by upstream's decoder, and admission told whoever wrote it.
    if (error.reason == Reason::kUnknown || error.reason == Reason::kDuplicate) continue;
    readable = false;
    problems.add(std::move(error));
  }
  if (!readable) return;
  schema.apply_defaults(kind, object);
  for (api::FieldError& error : schema.validate(kind, object, nullptr))
    if (error.field.starts_with("spec.template")) problems.add(std::move(error));
}

void check_numbers(const Value& spec, Problems& problems) {
  for (const std::string_view key : {"replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"})
    if (const Value& value = spec.at(key); value.int_or(0) < 0)
      problems.invalid(fmt::format("spec.{}", key), value, "must be greater than or equal to 0");
  const std::int64_t deadline = spec.at("progressDeadlineSeconds").int_or(600);
  if (deadline <= spec.at("minReadySeconds").int_or(0))
    problems.invalid("spec.progressDeadlineSeconds", Value(deadline), "must be greater than minReadySeconds");
}

void check_plugin(const Value& plugin, Problems& problems) {
  const std::string path = fmt::format("{}.trafficRouting.plugins[{}]", kCanaryPath, kGatewayApiPlugin);
  constexpr std::array<std::string_view, 7> kKnown = {
      "httpRoute",          "httpRoutes",          "httpRouteSelector", "namespace", "disableInProgressLabel",
      "inProgressLabelKey", "inProgressLabelValue"};
  for (const Member& member : plugin.members())
    if (std::ranges::find(kKnown, member.key) == kKnown.end())
      problems.unsupported(path + "." + member.key, member.value, "only HTTPRoutes are");
  if (plugin.at("httpRoute").str().empty() && plugin.at("httpRoutes").empty() && !plugin.has("httpRouteSelector"))
    problems.required(path + ".httpRoute", "no route is named; set httpRoute or httpRoutes", plugin);
}

void check_routing(const Value& canary, Problems& problems) {
  const Value& routing = canary.at("trafficRouting");
  const std::string path = fmt::format("{}.trafficRouting", kCanaryPath);
  if (!routing.is_object()) {
    if (canary.has("scaleDownDelaySeconds"))
      problems.invalid(fmt::format("{}.scaleDownDelaySeconds", kCanaryPath), canary.at("scaleDownDelaySeconds"),
                       "Canary scaleDownDelaySeconds can only be used with traffic routing");
    if (canary.at("dynamicStableScale").bool_or(false))
      problems.invalid(fmt::format("{}.dynamicStableScale", kCanaryPath), canary.at("dynamicStableScale"),
                       "Canary dynamicStableScale can only be used with traffic routing");
    return;
  }
  for (const Member& member : routing.members())
    if (member.key != "plugins" && member.key != "maxTrafficWeight")
      problems.unsupported(path + "." + member.key, member.value, "use plugins[argoproj-labs/gatewayAPI]");
  if (routing.at("maxTrafficWeight").int_or(100) != 100)
    problems.unsupported(path + ".maxTrafficWeight", routing.at("maxTrafficWeight"),
                         "weights are of 100 in HTTPRoutes");
  for (const Member& member : routing.at("plugins").members())
    if (member.key != kGatewayApiPlugin)
      problems.unsupported(fmt::format("{}.plugins[{}]", path, member.key), member.value,
                           "only argoproj-labs/gatewayAPI is");
  if (const Value& plugin = routing.at("plugins", kGatewayApiPlugin); plugin.is_object()) {
    check_plugin(plugin, problems);
  } else {
    problems.required(path + ".plugins", "no router is named; use plugins[argoproj-labs/gatewayAPI]", routing);
  }
  for (const std::string_view key : {"stableService", "canaryService"})
    if (canary.at(key).str().empty())
      problems.required(fmt::format("{}.{}", kCanaryPath, key),
                        "Canary service and Stable service must to be set to use Traffic Routing", canary);
  if (canary.has("scaleDownDelaySeconds") && canary.at("dynamicStableScale").bool_or(false))
    problems.invalid(fmt::format("{}.dynamicStableScale", kCanaryPath), canary.at("dynamicStableScale"),
                     "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds");
}

/// Upstream lets only these four exclude each other; a setCanaryScale may stand beside any.
void check_kinds(const Value& step, const std::string& path, Problems& problems) {
  constexpr std::array<std::string_view, 4> kExclusive = {"setWeight", "pause", "experiment", "analysis"};
  constexpr std::array<std::string_view, 4> kKnown = {"setWeight", "pause", "setCanaryScale", "analysis"};
  std::size_t kinds = 0;
  std::size_t exclusive = 0;
  for (const Member& member : step.members()) {
    if (member.value.is_null()) continue;
    ++kinds;
    if (std::ranges::find(kExclusive, member.key) != kExclusive.end()) ++exclusive;
    if (std::ranges::find(kKnown, member.key) == kKnown.end())
      problems.unsupported(path + "." + member.key, member.value,
                           "steps are setWeight, pause, setCanaryScale and analysis");
  }
  if (kinds == 0 || exclusive > 1)
    problems.invalid(path, step,
                     "Step must have one of the following set: setWeight, setCanaryScale, analysis or pause");
}

void check_step(const Value& rollout, const Value& step, const std::string& path, bool routed, Problems& problems) {
  check_kinds(step, path, problems);
  if (const Value& weight = step.at("setWeight"); weight.is_int() && (weight.int_or(0) < 0 || weight.int_or(0) > 100))
    problems.invalid(path + ".setWeight", weight, "SetWeight needs to be between 0 and 100");
  if (const auto pause = pause_duration(step.at("pause")); pause && *pause < Duration(0))
    problems.invalid(path + ".pause.duration", step.at("pause", "duration"), "Duration needs to be greater than 0");
  if (step.has("setCanaryScale") && !routed)
    problems.required(fmt::format("{}.trafficRouting", kCanaryPath), "SetCanaryScale requires TrafficRouting to be set",
                      step);
  for (const Value& argument : step.at("analysis", "args").items()) {
    const Value& field = argument.at("valueFrom", "fieldRef", "fieldPath");
    if (field.str().starts_with("metadata") && !metadata_text(rollout, field.str()))
      problems.invalid(path + ".analyses", field,
                       "Analyses arguments must refer to valid object metadata supported by downwardAPI");
  }
}

bool is_zero(const Value& value) {
  return (value.is_int() && value.int_or(1) == 0) || value.str() == "0" || value.str() == "0%";
}

void check_canary(const Value& rollout, Problems& problems) {
  const Value& canary = rollout.at("spec", "strategy", "canary");
  const std::string path(kCanaryPath);
  if (is_zero(canary.at("maxSurge")) && is_zero(canary.at("maxUnavailable")))
    problems.invalid(path + ".maxSurge", canary.at("maxSurge"), "MaxSurge and MaxUnavailable both can not be zero");
  if (!canary.at("canaryService").str().empty() && canary.at("canaryService") == canary.at("stableService"))
    problems.invalid(
        path + ".stableService", canary.at("stableService"),
        "This rollout uses the same service for the stable and canary services, but two different services "
        "are required.");
  problems.refuse(canary, path, "pingPong", "use canaryService and stableService");
  problems.refuse(canary, path, "antiAffinity", "put the rule into the pod template");
  check_routing(canary, problems);
  const auto& steps = canary.at("steps").items();
  for (std::size_t i = 0; i < steps.size(); ++i)
    check_step(rollout, steps[i], fmt::format("{}.steps[{}]", path, i), canary.at("trafficRouting").is_object(),
               problems);
}

}  // namespace

std::vector<api::FieldError> rollout_problems(const api::Schema& schema, const Value& rollout) {
  Problems problems;
  const Value& spec = rollout.at("spec");
  const Value& strategy = spec.at("strategy");
  problems.refuse(spec, "spec", "workloadRef", "put the pod template into the Rollout");
  problems.refuse(strategy, "spec.strategy", "blueGreen", "use canary");
  check_selector(spec, problems);
  if (!spec.has("workloadRef")) check_template(schema, spec, problems);
  check_numbers(spec, problems);
  if (strategy.at("canary").is_object()) {
    check_canary(rollout, problems);
  } else if (!strategy.has("blueGreen")) {
    problems.required("spec.strategy.strategy", "Rollout has missing field '.spec.strategy.canary'", strategy);
  }
  return problems.take();
}

}  // namespace fairlead::control
