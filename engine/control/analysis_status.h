// The status of an AnalysisRun: measurements, counts per metric, and what they amount to. Pure.
// Source: argo-rollouts/analysis/analysis.go (runMeasurements, assessRunStatus, assessMetricStatus).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/value.h"
#include "engine/control/analysis_metric.h"

namespace fairlead::control {

/// One measurement, as status.metricResults[].measurements[] holds it.
struct Measurement {
  std::string phase;
  std::string message;
  std::string value;
  std::optional<Time> started;
  std::optional<Time> finished;

  [[nodiscard]] static Measurement of(const Value& tree);
  [[nodiscard]] Value to_value() const;
};

struct MetricResult {
  std::string name;
  std::string phase;
  std::string message;
  std::vector<Measurement> measurements;
  std::int64_t count = 0;
  std::int64_t successful = 0;
  std::int64_t failed = 0;
  std::int64_t inconclusive = 0;
  std::int64_t error = 0;
  std::int64_t consecutive_error = 0;
  std::int64_t consecutive_success = 0;
  bool dry_run = false;
  Value metadata;

  [[nodiscard]] static MetricResult of(const Value& tree);
  [[nodiscard]] Value to_value() const;
  /// Appends a measurement that is over and counts it.
  void add(Measurement measurement);
};

/// Metrics that ended, by how: runSummary and dryRunSummary.
struct RunSummary {
  std::int64_t count = 0;
  std::int64_t successful = 0;
  std::int64_t failed = 0;
  std::int64_t inconclusive = 0;
  std::int64_t error = 0;

  [[nodiscard]] static RunSummary of(const Value& tree);
  [[nodiscard]] Value to_value() const;
};

struct RunStatus {
  std::string phase;
  std::string message;
  std::vector<MetricResult> results;
  std::optional<Time> started;
  std::optional<Time> completed;
  RunSummary summary;
  RunSummary dry_summary;

  [[nodiscard]] static RunStatus of(const Value& status);
  /// Sets the fields above in `status` and leaves others alone.
  void write_to(Value& status) const;
  [[nodiscard]] MetricResult* find(std::string_view metric);
  [[nodiscard]] const MetricResult* find(std::string_view metric) const;
  /// No further measurement starts: it was asked to end, or a metric that counts has ended badly.
  [[nodiscard]] bool terminating(bool asked) const;
};

/// A metric that has just ended, for an event.
struct MetricEnd {
  std::string metric;
  std::string phase;
};

/// What all measurements so far amount to: phases per metric and summaries are written to `status`; the run's phase and
/// message are returned, to be set if they differ. `asked` is spec.terminate.
struct RunAssessment {
  std::string phase;
  std::string message;
  std::vector<MetricEnd> ended;
};
[[nodiscard]] RunAssessment assess(RunStatus& status, const std::vector<Metric>& metrics, bool asked, Time now);

/// Worst first: Failed, Error, Inconclusive, Pending, Running, Successful.
[[nodiscard]] bool is_worse(std::string_view current, std::string_view other);

}  // namespace fairlead::control
