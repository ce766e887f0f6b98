// Admission of Rollouts, AnalysisTemplates, ClusterAnalysisTemplates and AnalysisRuns.
#include <algorithm>
#include <array>
#include <iterator>

#include "engine/control/analysis_args.h"
#include "engine/control/analysis_metric.h"
#include "engine/control/delivery.h"
#include "engine/control/delivery_names.h"
#include "engine/control/expression.h"
#include "engine/control/rollout_validation.h"
#include "engine/control/rollout_warnings.h"

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

/// The arguments of a template or a run, as far as they are known before there is a run.
struct KnownArguments {
  Arguments fixed;      ///< Those that nobody will give another value: none of a template, whose values are defaults.
  Arguments given;      ///< Those that have a value.
  Arguments stand_ins;  ///< All, the others with something that can stand in a condition as a number or as text.

  KnownArguments(const Value& args, bool of_a_run) {
    for (const Value& argument : args.items()) {
      const std::string name(argument.at("name").str());
      if (argument.has("value")) given[name] = std::string(argument.at("value").str());
      stand_ins[name] = argument.has("value") ? given[name] : "1";
    }
    if (of_a_run) fixed = given;
  }
};

/// Whether a text depends on arguments that are not among `known`.
bool open(const Value& text, const Arguments& known) { return !substitute(text.str(), known); }

/// The same for what Metric::of judges together.
bool open_limits(const Value& metric, const Arguments& known) {
  constexpr std::array<std::string_view, 7> kLimits = {"interval",
                                                       "initialDelay",
                                                       "count",
                                                       "failureLimit",
                                                       "inconclusiveLimit",
                                                       "consecutiveErrorLimit",
                                                       "consecutiveSuccessLimit"};
  return std::ranges::any_of(kLimits, [&](std::string_view key) { return open(metric.at(key), known); });
}

/// A condition must be readable, and fit a number or a list of numbers. One that depends on arguments that are not
/// fixed only its run can judge.
void check_condition(const Value& written, const Value& condition, const std::string& field, const Arguments& fixed,
                     Problems& problems) {
  if (condition.str().empty()) return;
  const auto expression = Expression::parse(condition.str());
  std::string wrong;
  if (!expression) {
    wrong = expression.error().message;
  } else if (const auto list = expression->check(Expression::ResultKind::kList); !list) {
    if (!expression->check(Expression::ResultKind::kNumber)) wrong = list.error().message;
  }
  if (!wrong.empty() && !open(written, fixed))
    add(problems, Reason::kInvalid, field, fmt::format("Invalid value: \"{}\": {}", condition.str(), wrong), written);
}

void check_provider(const Value& metric, const std::string& path, Problems& problems) {
  for (const Member& member : metric.at("provider").members())
    if (member.key != "prometheus")
      add(problems, Reason::kForbidden, fmt::format("{}.provider.{}", path, member.key),
          "Forbidden: nothing here acts on this provider; prometheus is the one that is asked", member.value);
  const Value& prometheus = metric.at("provider", "prometheus");
  if (!prometheus.is_object()) return;
  if (const Value& insecure = prometheus.at("insecure"); insecure.bool_or(false))
    add(problems, Reason::kForbidden, fmt::format("{}.provider.prometheus.insecure", path),
        "Forbidden: nothing here acts on this field; certificates are verified", insecure);
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

void check_metric(const Value& metric, const Value& resolved, const std::string& path, const KnownArguments& arguments,
                  std::vector<std::string>* warnings, Problems& problems) {
  const std::size_t before = problems.size();
  for (const std::string_view key : {"successCondition", "failureCondition"})
    check_condition(metric.at(key), resolved.at(key), fmt::format("{}.{}", path, key), arguments.fixed, problems);
  const auto read = Metric::of(resolved);
  if (problems.size() > before) return;
  if (!read) {
    if (!open_limits(metric, arguments.fixed))
      add(problems, Reason::kInvalid, path, fmt::format("Invalid value: {}", read.error().message), metric);
  } else if (warnings != nullptr && !open_limits(metric, arguments.given)) {
    for (std::string& warning : gate_warnings(*read)) warnings->push_back(std::move(warning));
  }
}

void check_metrics(const Value& spec, bool of_a_run, std::vector<std::string>* warnings, Problems& problems) {
  const KnownArguments arguments(spec.at("args"), of_a_run);
  std::size_t index = 0;
  for (const Value& metric : spec.at("metrics").items()) {
    const std::string path = fmt::format("spec.metrics[{}]", index++);
    check_provider(metric, path, problems);
    const auto resolved = substitute_all(metric, arguments.stand_ins);
    if (resolved) {
      check_metric(metric, *resolved, path, arguments, warnings, problems);
    } else {
      add(problems, Reason::kInvalid, path, fmt::format("Invalid value: {}", resolved.error().message), metric);
    }
  }
}

bool changed(const api::Admission& admission, std::string_view key) {
  return admission.before == nullptr || admission.object->at(key) != admission.before->at(key);
}

api::ApiResult<> admit(const api::Schema& schema, api::Admission& admission) {
  if (admission.object == nullptr || admission.resource->group != kRolloutsGroup) return {};
  constexpr std::array<std::string_view, 3> kWithMetrics = {"AnalysisTemplate", "ClusterAnalysisTemplate",
                                                            "AnalysisRun"};
  const std::string& kind = admission.resource->kind;
  const bool has_metrics = std::ranges::find(kWithMetrics, kind) != kWithMetrics.end();
  // Status writes and metadata changes of what is stored already pass: only a changed spec is looked at.
  if ((kind != "Rollout" && !has_metrics) || !changed(admission, "spec")) return {};
  Problems problems;
  if (has_metrics) {
    check_metrics(admission.object->at("spec"), kind == "AnalysisRun", admission.warnings, problems);
  } else {
    problems = rollout_problems(schema, *admission.object);
    if (admission.warnings != nullptr)
      std::ranges::move(rollout_warnings(*admission.object), std::back_inserter(*admission.warnings));
  }
  if (problems.empty()) return {};
  return std::unexpected(
      api::Status::invalid(*admission.resource, admission.object->at("metadata", "name").str(), std::move(problems)));
}

}  // namespace

void add_delivery_admission(api::Api& api) {
  api.add_admission("delivery",
                    [&schema = api.schema()](api::Admission& admission) { return admit(schema, admission); });
}

}  // namespace fairlead::control
