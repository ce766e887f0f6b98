#include "engine/control/delivery.h"

#include <memory>
#include <utility>

#include "engine/control/analysis_run.h"
#include "engine/control/rollout.h"

namespace fairlead::control {

void add_delivery_controllers(Manager& manager, api::Api& api, seam::Metrics& metrics, std::vector<Outage> outages) {
  // Rollouts come first: they tell the gate how their pods are before a run asks it.
  auto gate = std::make_shared<ResumeGate>(std::move(outages));
  manager.add(std::make_unique<RolloutReconciler>(api, gate));
  manager.add(std::make_unique<AnalysisRunReconciler>(manager, api, metrics, gate));
}

}  // namespace fairlead::control
