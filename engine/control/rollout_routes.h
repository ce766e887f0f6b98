// HTTPRoutes that carry a Rollout's traffic. Internal to rollout*.cc.
#pragma once

#include <string>
#include <vector>

#include "engine/control/rollout_look.h"

namespace fairlead::control {

/// The keys of the HTTPRoutes that trafficRouting.plugins["argoproj-labs/gatewayAPI"] of a Rollout names.
[[nodiscard]] std::vector<api::Key> routes_of(const RolloutServices& in, const api::Object& rollout);

/// Writes the canary's weight and stable's rest of 100 into every rule that has both, and the label that says a canary
/// is under way. A route without both backends is an error.
[[nodiscard]] Result<> set_route_weights(RolloutLook& look, std::int32_t weight);

/// Why the weights are not in force yet; empty when they are. Whoever gives a route its status says so: condition
/// Accepted of every parent speaks of the route's generation once the edge follows it. A route without a status is
/// taken as it is, as upstream's plugin takes every route.
[[nodiscard]] std::string unverified_route(const RolloutLook& look);

}  // namespace fairlead::control
