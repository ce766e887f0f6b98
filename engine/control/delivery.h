// Progressive delivery: Rollout, AnalysisRun and their templates.
#pragma once

#include <vector>

#include "engine/api/api.h"
#include "engine/control/reconciler.h"
#include "engine/control/resume_gate.h"
#include "engine/seam/metrics.h"

namespace fairlead::control {

/// Adds the reconcilers of Rollout and AnalysisRun. `metrics` outlives the Manager. `outages`: when no engine ran
/// before now, oldest first; empty in a first life.
void add_delivery_controllers(Manager& manager, api::Api& api, seam::Metrics& metrics, std::vector<Outage> outages);

/// Adds the admission step "delivery": refuses Rollouts, templates and AnalysisRuns with something that nothing here
/// acts on or whose conditions cannot be read, and warns of gates that can never fail or that pass without data.
void add_delivery_admission(api::Api& api);

}  // namespace fairlead::control
