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

/// Whether the Rollout names the Service as its canary or its stable one.
[[nodiscard]] bool names_service(const api::Object& rollout, std::string_view service);

/// Gives back the Services that the Rollout `key` holds and names no longer, all of them when it is gone (null): they
/// select pods of every version again.
[[nodiscard]] Result<> release_services(const RolloutServices& in, const api::Key& key, const api::Object* rollout);

}  // namespace fairlead::control
