// How many replicas a resource metric asks for: arithmetic only.
// Source: kubernetes pkg/controller/podautoscaler/replica_calculator.go.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "engine/api/object.h"

namespace fairlead::control {

inline constexpr double kAutoscalerTolerance = 0.1;
inline constexpr Duration kCpuInitializationPeriod = std::chrono::minutes(5);
inline constexpr Duration kInitialReadinessDelay = std::chrono::seconds(30);

/// One pod's measured use of one resource, in thousandths of its unit.
struct PodMetric {
  std::int64_t milli = 0;
  Time at;
  Duration window{0};
};

/// What a metric wants and what was seen, for the status.
struct ReplicaProposal {
  std::int64_t replicas = 0;
  std::int64_t utilization = 0;    ///< Per cent of the request; 0 for an average value.
  std::int64_t average_milli = 0;  ///< Per pod.
};

/// How far usage may be from its target without any change, as fractions of the target.
struct Tolerance {
  double down = kAutoscalerTolerance;
  double up = kAutoscalerTolerance;

  /// What a HorizontalPodAutoscaler's spec.behavior says. Source: tolerancesForHpa.
  [[nodiscard]] static Tolerance of(const Value& behavior);
  [[nodiscard]] bool covers(double ratio) const { return 1.0 - down <= ratio && ratio <= 1.0 + up; }
};

struct ResourceTarget {
  std::string resource;          ///< "cpu" or "memory".
  std::string container;         ///< Only this one, for ContainerResource; empty: all.
  std::int64_t utilization = 0;  ///< Per cent of the request; 0 when average_milli is the target.
  std::int64_t average_milli = 0;
};

/// `metrics` by pod name. An error says which request or container is missing, or that no pod has a metric.
[[nodiscard]] Result<ReplicaProposal> propose_replicas(const std::vector<api::ObjectPtr>& pods,
                                                       std::map<std::string, PodMetric> metrics,
                                                       const ResourceTarget& target, const Tolerance& tolerance,
                                                       std::int64_t current, Time now);

}  // namespace fairlead::control
