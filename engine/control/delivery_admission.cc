// Admission of Rollouts, AnalysisTemplates, ClusterAnalysisTemplates and AnalysisRuns.
#include <algorithm>
#include <array>

#include "engine/control/analysis_args.h"
#include "engine/control/analysis_metric.h"
#include "engine/control/delivery.h"
#include "engine/control/delivery_names.h"
#include "engine/control/expression.h"
#include "engine/control/rollout_validation.h"

namespace fairlead::control {
namespace {

using Reason = api::FieldError::Reason;
using Problems = std::vector<api::FieldError>;

void add(Problems& problems, Reason reason, std::string field, std::string message, const Value& at) {
  problems.push_back({.reason = reason,
                      .field = std::move(field),
                      .message = std::move(message),
                      .line = at.line(),
                      .column = at.column()});
}

/// Every argument with its default, or with something that can stand in a condition as a number or as text.
Arguments stand_ins(const Value& args) {
  Arguments out;
  for (const Value& argument : args.items())
    out[std::string(argument.at("name").str())] = argument.has("value") ? std::string(argument.at("value").str()) : "1";
  return out;
}

/// A condition must be readable, and fit a number or a list of numbers.
void check_condition(const Value& condition, const std::string& field, Problems& problems) {
  if (condition.str().empty()) return;
  const auto expression = Expression::parse(condition.str());
  std::string wrong;
  if (!expression) {
    wrong = expression.error().message;
  } else if (const auto list = expression->check(Expression::ResultKind::kList); !list) {
    if (!expression->check(Expression::ResultKind::kNumber)) wrong = list.error().message;
  }
  if (!wrong.empty())
    add(problems, Reason::kInvalid, field, fmt::format("Invalid value: \"{}\": {}", condition.str(), wrong), condition);
}

void check_provider(const Value& metric, const std::string& path, Problems& problems) {
  for (const Member& member : metric.at("provider").members())
    if (member.key != "prometheus")
      add(problems, Reason::kForbidden, fmt::format("{}.provider.{}", path, member.key),
          "Forbidden: nothing here acts on this provider; prometheus is the one that is asked", member.value);
  const Value& prometheus = metric.at("provider", "prometheus");
  if (!prometheus.is_object()) return;
  for (const std::string_view key : {"rangeQuery", "headers"})
    if (prometheus.has(key) && !prometheus.at(key).empty())
      add(problems, Reason::kForbidden, fmt::format("{}.provider.prometheus.{}", path, key),
          "Forbidden: nothing here acts on this field; queries are instant and go without it", prometheus.at(key));
  // Defaulting may leave the empty objects that upstream's Go types make.
  for (const Member& member : prometheus.at("authentication").members())
    if (!member.value.empty())
      add(problems, Reason::kForbidden, fmt::format("{}.provider.prometheus.authentication.{}", path, member.key),
          "Forbidden: nothing here acts on this field", member.value);
}

void check_metrics(const Value& spec, std::vector<std::string>* warnings, Problems& problems) {
  const Arguments arguments = stand_ins(spec.at("args"));
  std::size_t index = 0;
  for (const Value& metric : spec.at("metrics").items()) {
    const std::string path = fmt::format("spec.metrics[{}]", index++);
    check_provider(metric, path, problems);
    const auto resolved = substitute_all(metric, arguments);
    if (!resolved) {
      add(problems, Reason::kInvalid, path, fmt::format("Invalid value: {}", resolved.error().message), metric);
      continue;
    }
    const std::size_t before = problems.size();
    check_condition(resolved->at("successCondition"), path + ".successCondition", problems);
    check_condition(resolved->at("failureCondition"), path + ".failureCondition", problems);
    const auto read = Metric::of(*resolved);
    if (problems.size() > before) continue;
    if (!read) {
      add(problems, Reason::kInvalid, path, fmt::format("Invalid value: {}", read.error().message), metric);
    } else if (warnings != nullptr) {
      for (std::string& warning : gate_warnings(*read)) warnings->push_back(std::move(warning));
    }
  }
}

bool changed(const api::Admission& admission, std::string_view key) {
  return admission.before == nullptr || admission.object->at(key) != admission.before->at(key);
}

api::ApiResult<> admit(api::Admission& admission) {
  if (admission.object == nullptr || admission.resource->group != kRolloutsGroup) return {};
  constexpr std::array<std::string_view, 3> kWithMetrics = {"AnalysisTemplate", "ClusterAnalysisTemplate",
                                                            "AnalysisRun"};
  const std::string& kind = admission.resource->kind;
  const bool has_metrics = std::ranges::find(kWithMetrics, kind) != kWithMetrics.end();
  // Status writes and metadata changes of what is stored already pass: only a changed spec is looked at.
  if ((kind != "Rollout" && !has_metrics) || !changed(admission, "spec")) return {};
  Problems problems;
  if (kind == "Rollout") problems = rollout_problems(*admission.object);
  if (has_metrics) check_metrics(admission.object->at("spec"), admission.warnings, problems);
  if (problems.empty()) return {};
  return std::unexpected(
      api::Status::invalid(*admission.resource, admission.object->at("metadata", "name").str(), std::move(problems)));
}

}  // namespace

void add_delivery_admission(api::Api& api) { api.add_admission("delivery", admit); }

}  // namespace fairlead::control
