// One metric of an analysis: how often it is measured, and when it has failed.
// Source: argo-rollouts/pkg/apis/rollouts/v1alpha1/analysis_types.go, utils/analysis/factory.go,
// metricproviders/prometheus/prometheus.go, utils/evaluate/evaluate.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "base/value.h"

namespace fairlead::control {

inline constexpr std::int64_t kDefaultConsecutiveErrorLimit = 4;
inline constexpr std::int64_t kDefaultMeasurementHistory = 10;
inline constexpr Duration kErrorRetryInterval = std::chrono::seconds(10);
inline constexpr Duration kDefaultQueryTimeout = std::chrono::seconds(30);

/// intstr.IntOrString.IntValue: what is no number counts as 0. Nothing when it is absent.
[[nodiscard]] std::optional<std::int64_t> count_of(const Value& value);

struct Metric {
  std::string name;
  std::optional<Duration> interval;
  std::optional<Duration> initial_delay;
  std::optional<std::int64_t> count;  ///< As written; 0 counts as not written.
  std::string success_condition;
  std::string failure_condition;
  std::int64_t failure_limit = 0;  ///< -1: never fails by it.
  std::int64_t inconclusive_limit = 0;
  std::int64_t consecutive_error_limit = kDefaultConsecutiveErrorLimit;
  std::int64_t consecutive_success_limit = 0;  ///< 0: not used.
  std::string address;                         ///< Of Prometheus; empty: the cluster's own.
  std::string query;
  Duration timeout = kDefaultQueryTimeout;
  bool dry_run = false;  ///< A rule of spec.dryRun names it: it is measured and decides nothing.
  std::int64_t retained = kDefaultMeasurementHistory;  ///< Measurements that are kept.

  /// From a metric whose arguments are filled in. Numbers may be strings.
  [[nodiscard]] static Result<Metric> of(const Value& tree);

  /// How many measurements there will be; nothing: without end.
  [[nodiscard]] std::optional<std::int64_t> effective_count() const;
};

/// Reads and checks a list of metrics as upstream does before it measures. Errors start with "metrics[1]: ".
[[nodiscard]] Result<std::vector<Metric>> read_metrics(const Value& metrics);

/// What one measurement came to.
struct Verdict {
  std::string value;  ///< "[0.005]", "1".
  std::string phase;
  std::string message;
};

/// Judges what Prometheus answered: `data` of /api/v1/query.
[[nodiscard]] Verdict judge(const Metric& metric, const Value& data);

/// What is wrong with a gate that upstream accepts: one that can never fail, or that passes without data. Sentences.
[[nodiscard]] std::vector<std::string> gate_warnings(const Metric& metric);

}  // namespace fairlead::control
