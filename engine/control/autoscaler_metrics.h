// What one metric of an autoscaler asks for, and how that is told.
// Source: kubernetes pkg/controller/podautoscaler/horizontal.go (computeReplicasForMetric, computeStatusFor…).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/control/autoscaler_replicas.h"
#include "engine/seam/node.h"

namespace fairlead::control {

struct MetricProposal {
  std::int64_t replicas = 0;
  Value status;  ///< A MetricStatus.
};

/// `metric` is a MetricSpec; `pods` are those of the target, `current` how many it is asked to have. Types other than
/// Resource and ContainerResource are an error.
[[nodiscard]] Result<MetricProposal> propose_for_metric(const Value& metric, const std::vector<api::ObjectPtr>& pods,
                                                        std::span<seam::Node* const> nodes, const Tolerance& tolerance,
                                                        std::int64_t current, Time now);

/// "cpu resource utilization (percentage of request)"
[[nodiscard]] std::string description_of_metric(const Value& metric);
/// "cpu resource", as errors have it.
[[nodiscard]] std::string short_name_of_metric(const Value& metric);

}  // namespace fairlead::control
