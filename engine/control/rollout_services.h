// The Services of a Rollout. Internal to rollout*.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/control/rollout_look.h"

namespace fairlead::control {

/// Lets a Service select the pods of a ReplicaSet; with `when_available` only once it has some.
[[nodiscard]] Result<> point_service(RolloutLook& look, std::string_view name, const api::ObjectPtr& replica_set,
                                     bool when_available);

/// The pod hash that still has traffic while a rollout with dynamicStableScale goes back to stable in mid-update.
[[nodiscard]] std::optional<std::string> retreating_canary(const RolloutLook& look);

/// Gives back the Services of a Rollout that is gone: they select pods of every version again.
[[nodiscard]] Result<> release_services(const RolloutServices& in, std::string_view ns, std::string_view rollout);

}  // namespace fairlead::control
