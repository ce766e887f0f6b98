#include "engine/control/analysis_status.h"

#include <algorithm>
#include <array>

#include "engine/control/conditions.h"
#include "engine/control/delivery_names.h"

namespace fairlead::control {
namespace {

void set_text(Value& tree, std::string_view key, const std::string& text) {
  if (!text.empty()) tree.set(key, text);
}

struct Limit {
  std::string phase;  ///< Empty: within all limits.
  std::string message;
};

/// The limit that a metric broke. Errors weigh more than inconclusive measurements, and those more than failures.
Limit broken_limit(const Metric& metric, const MetricResult& result) {
  Limit limit;
  if (metric.failure_limit >= 0 && result.failed > metric.failure_limit)
    limit = {std::string(phase::kFailed),
             fmt::format("failed ({}) > failureLimit ({})", result.failed, metric.failure_limit)};
  if (result.inconclusive > metric.inconclusive_limit)
    limit = {std::string(phase::kInconclusive),
             fmt::format("inconclusive ({}) > inconclusiveLimit ({})", result.inconclusive, metric.inconclusive_limit)};
  if (result.consecutive_error > metric.consecutive_error_limit)
    limit = {std::string(phase::kError), fmt::format("consecutiveErrors ({}) > consecutiveErrorLimit ({})",
                                                     result.consecutive_error, metric.consecutive_error_limit)};
  return limit;
}

std::string_view phase_at_count(const Metric& metric) {
  // Failures are within their limit here.
  if (metric.consecutive_success_limit <= 0) return phase::kSuccessful;
  return metric.failure_limit >= 0 ? phase::kInconclusive : phase::kFailed;
}

std::string metric_phase(const Metric& metric, const MetricResult& result, bool terminating) {
  if (phase::completed(result.phase)) return result.phase;
  if (result.measurements.empty()) return std::string(terminating ? phase::kSuccessful : phase::kPending);
  if (!phase::completed(result.measurements.back().phase)) return std::string(phase::kRunning);
  if (const Limit limit = broken_limit(metric, result); !limit.phase.empty()) return limit.phase;
  if (metric.consecutive_success_limit > 0 && result.consecutive_success >= metric.consecutive_success_limit)
    return std::string(phase::kSuccessful);
  const auto count = metric.effective_count();
  if (count && result.count >= *count) return std::string(phase_at_count(metric));
  return std::string(terminating ? phase::kSuccessful : phase::kRunning);
}

void count_end(RunSummary& summary, std::string_view phase) {
  if (phase == phase::kError) {
    ++summary.error;
  } else if (phase == phase::kFailed) {
    ++summary.failed;
  } else if (phase == phase::kInconclusive) {
    ++summary.inconclusive;
  } else {
    ++summary.successful;
  }
}

/// Gathers the run's phase over its metrics.
class Assessor {
 public:
  Assessor(RunStatus& status, bool asked) : status_(status), terminating_(status.terminating(asked)) {
    if (asked) out_.message = "Run Terminated";
    status_.summary = {};
    status_.dry_summary = {};
  }

  void add(const Metric& metric) {
    MetricResult* result = status_.find(metric.name);
    RunSummary& summary = metric.dry_run ? status_.dry_summary : status_.summary;
    ++summary.count;
    if (result == nullptr) {
      all_ended_ = false;
      return;
    }
    const std::string phase = metric_phase(metric, *result, terminating_);
    if (phase != result->phase) {
      if (phase::completed(phase)) out_.ended.push_back({metric.name, phase});
      if (!result->measurements.empty()) result->message = result->measurements.back().message;
      result->phase = phase;
    }
    if (!phase::completed(phase)) {
      all_ended_ = false;
      return;
    }
    const Limit limit = broken_limit(metric, *result);
    count_end(summary, limit.phase);
    if (metric.dry_run) {
      ended_dry(*result, limit);
    } else {
      ended(*result, limit);
    }
  }

  RunAssessment finish() {
    if (terminating_ && out_.phase.empty()) out_.phase = phase::kSuccessful;
    if (!terminating_ && (!all_ended_ || out_.phase.empty())) {
      out_.phase = phase::kRunning;
      out_.message.clear();
    }
    return std::move(out_);
  }

 private:
  void ended(const MetricResult& result, const Limit& limit) {
    if (!out_.phase.empty() && !is_worse(out_.phase, result.phase)) return;
    out_.phase = result.phase;
    if (limit.message.empty()) return;
    out_.message = fmt::format("Metric \"{}\" assessed {} due to {}", result.name, result.phase, limit.message);
    if (!result.message.empty()) out_.message += fmt::format(": \"Error Message: {}\"", result.message);
  }

  void ended_dry(MetricResult& result, const Limit& limit) {
    if (out_.phase.empty()) out_.phase = phase::kSuccessful;
    if (!limit.message.empty())
      result.message = fmt::format("Metric assessed {} due to {}", result.phase, limit.message);
  }

  RunStatus& status_;
  bool terminating_;
  bool all_ended_ = true;
  RunAssessment out_;
};

}  // namespace

Measurement Measurement::of(const Value& tree) {
  return {.phase = std::string(tree.at("phase").str()),
          .message = std::string(tree.at("message").str()),
          .value = std::string(tree.at("value").str()),
          .started = time_at(tree.at("startedAt")),
          .finished = time_at(tree.at("finishedAt"))};
}

Value Measurement::to_value() const {
  Value tree = Value::object({{"phase", phase}});
  set_text(tree, "message", message);
  if (started) tree.set("startedAt", format_time(*started));
  if (finished) tree.set("finishedAt", format_time(*finished));
  set_text(tree, "value", value);
  return tree;
}

MetricResult MetricResult::of(const Value& tree) {
  MetricResult out;
  out.name = tree.at("name").str();
  out.phase = tree.at("phase").str();
  out.message = tree.at("message").str();
  for (const Value& measurement : tree.at("measurements").items())
    out.measurements.push_back(Measurement::of(measurement));
  out.count = tree.at("count").int_or(0);
  out.successful = tree.at("successful").int_or(0);
  out.failed = tree.at("failed").int_or(0);
  out.inconclusive = tree.at("inconclusive").int_or(0);
  out.error = tree.at("error").int_or(0);
  out.consecutive_error = tree.at("consecutiveError").int_or(0);
  out.consecutive_success = tree.at("consecutiveSuccess").int_or(0);
  out.dry_run = tree.at("dryRun").bool_or(false);
  out.metadata = tree.at("metadata");
  return out;
}

Value MetricResult::to_value() const {
  Value tree = Value::object({{"name", name}, {"phase", phase}});
  if (!measurements.empty()) {
    Value& list = tree["measurements"];
    for (const Measurement& measurement : measurements) list.push_back(measurement.to_value());
  }
  set_text(tree, "message", message);
  set_count(tree, "count", count);
  set_count(tree, "successful", successful);
  set_count(tree, "failed", failed);
  set_count(tree, "inconclusive", inconclusive);
  set_count(tree, "error", error);
  set_count(tree, "consecutiveError", consecutive_error);
  set_count(tree, "consecutiveSuccess", consecutive_success);
  if (dry_run) tree.set("dryRun", true);
  if (!metadata.empty()) tree.set("metadata", metadata);
  return tree;
}

void MetricResult::add(Measurement measurement) {
  const bool success = measurement.phase == phase::kSuccessful;
  const bool failure_to_measure = measurement.phase == phase::kError;
  consecutive_success = success ? consecutive_success + 1 : 0;
  consecutive_error = failure_to_measure ? consecutive_error + 1 : 0;
  // Errors do not use up the count: they are measured again.
  if (!failure_to_measure) ++count;
  if (success) ++successful;
  if (measurement.phase == phase::kFailed) ++failed;
  if (measurement.phase == phase::kInconclusive) ++inconclusive;
  if (failure_to_measure) ++error;
  measurements.push_back(std::move(measurement));
}

Value RunSummary::to_value() const {
  Value tree = Value::object();
  set_count(tree, "count", count);
  set_count(tree, "successful", successful);
  set_count(tree, "failed", failed);
  set_count(tree, "inconclusive", inconclusive);
  set_count(tree, "error", error);
  return tree;
}

RunSummary RunSummary::of(const Value& tree) {
  return {.count = tree.at("count").int_or(0),
          .successful = tree.at("successful").int_or(0),
          .failed = tree.at("failed").int_or(0),
          .inconclusive = tree.at("inconclusive").int_or(0),
          .error = tree.at("error").int_or(0)};
}

RunStatus RunStatus::of(const Value& status) {
  RunStatus out;
  out.phase = status.at("phase").str();
  out.message = status.at("message").str();
  for (const Value& result : status.at("metricResults").items()) out.results.push_back(MetricResult::of(result));
  out.started = time_at(status.at("startedAt"));
  out.completed = time_at(status.at("completedAt"));
  out.summary = RunSummary::of(status.at("runSummary"));
  out.dry_summary = RunSummary::of(status.at("dryRunSummary"));
  return out;
}

void RunStatus::write_to(Value& status) const {
  if (status.is_null()) status = Value::object();
  status.set("phase", phase);
  status.erase("message");
  set_text(status, "message", message);
  Value list = Value::array();
  for (const MetricResult& result : results) list.push_back(result.to_value());
  status.erase("metricResults");
  if (!list.empty()) status.set("metricResults", std::move(list));
  if (started) status.set("startedAt", format_time(*started));
  if (completed) status.set("completedAt", format_time(*completed));
  status.set("runSummary", summary.to_value());
  status.set("dryRunSummary", dry_summary.to_value());
}

MetricResult* RunStatus::find(std::string_view metric) {
  const auto found = std::ranges::find(results, metric, &MetricResult::name);
  return found == results.end() ? nullptr : &*found;
}

const MetricResult* RunStatus::find(std::string_view metric) const {
  const auto found = std::ranges::find(results, metric, &MetricResult::name);
  return found == results.end() ? nullptr : &*found;
}

bool RunStatus::terminating(bool asked) const {
  return asked || std::ranges::any_of(results, [](const MetricResult& result) {
           return !result.dry_run && phase::completed(result.phase) && result.phase != phase::kSuccessful;
         });
}

bool is_worse(std::string_view current, std::string_view other) {
  constexpr std::array<std::string_view, 6> kBestFirst = {phase::kSuccessful,   phase::kRunning, phase::kPending,
                                                          phase::kInconclusive, phase::kError,   phase::kFailed};
  return std::ranges::find(kBestFirst, other) > std::ranges::find(kBestFirst, current);
}

RunAssessment assess(RunStatus& status, const std::vector<Metric>& metrics, bool asked, Time now) {
  if (!status.started) status.started = now;
  Assessor assessor(status, asked);
  for (const Metric& metric : metrics) assessor.add(metric);
  return assessor.finish();
}

}  // namespace fairlead::control
