// What upstream accepts of a Rollout although it does something else than one would think.
#pragma once

#include <string>
#include <vector>

#include "base/value.h"

namespace fairlead::control {

/// Sentences. The engine does the same as upstream, so whoever writes such a Rollout is told here and by events.
[[nodiscard]] std::vector<std::string> rollout_warnings(const Value& rollout);

/// Whether an abort stops half way: Argo Rollouts 1.10 walks the weights of a Rollout with dynamicStableScale back only
/// as its canary shrinks, an explicit abortScaleDownDelaySeconds keeps the canary whole until stable is, and stable
/// grows only as the weights go back. argoproj/argo-rollouts#4898; no release has the fix, #4900.
[[nodiscard]] bool abort_gets_stuck(const Value& strategy);

}  // namespace fairlead::control
