// Pause steps. Internal to rollout*.cc.
#pragma once

#include <optional>
#include <string>

#include "engine/control/rollout_look.h"

namespace fairlead::control {

/// pause.duration: seconds as a number, or a duration ("10m"). Nothing: until somebody promotes. Negative: not
/// readable.
[[nodiscard]] std::optional<Duration> pause_duration(const Value& pause);
/// Somebody took the pause away, or its time has passed.
[[nodiscard]] bool pause_completed(const RolloutLook& look, const Value& pause);
/// "setWeight: 20": a step as events show it.
[[nodiscard]] std::string step_text(const Value& step);

}  // namespace fairlead::control
