// HorizontalPodAutoscaler, autoscaling/v2. Semantics: kubernetes pkg/controller/podautoscaler/horizontal.go.
#pragma once

#include <memory>
#include <vector>

#include "engine/control/reconciler.h"
#include "engine/seam/node.h"

namespace fairlead::control {

inline constexpr Duration kAutoscalerSync = std::chrono::seconds(15);  ///< --horizontal-pod-autoscaler-sync-period.
/// The period while no metric can be had, as at a pod's start: upstream waits for a whole one even then.
inline constexpr Duration kAutoscalerRetry = std::chrono::seconds(1);

/// Resource and ContainerResource metrics, from what `nodes` measured; other metric sources are a condition that says
/// so.
[[nodiscard]] std::unique_ptr<Reconciler> make_horizontal_pod_autoscaler(api::Api& api, std::vector<seam::Node*> nodes);

}  // namespace fairlead::control
