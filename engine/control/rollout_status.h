// The status of a Rollout. Internal to rollout*.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/control/conditions.h"
#include "engine/control/rollout_look.h"

namespace fairlead::control {

struct RolloutCondition {
  std::string type;
  std::string status;
  std::string reason;
  std::string message;
};

/// Sets a condition; false when the one that is there has the same status and reason already. Its last transition is
/// kept while its status stays.
bool set_condition(Value& status, const RolloutCondition& condition, Time now);
void remove_condition(Value& status, std::string_view type);

/// Whether observedGeneration and phase are written along with conditions. Before an update has started the rest of the
/// status is still about the version before, so its phase would call the new generation Healthy.
enum class PhaseToo : std::uint8_t { kNo, kYes };
/// Writes conditions alone over the stored status.
[[nodiscard]] Result<> patch_conditions(RolloutLook& look, const std::vector<RolloutCondition>& conditions,
                                        PhaseToo phase_too);

/// The pod template or the steps are not those of the stored status.
[[nodiscard]] bool template_or_steps_changed(const RolloutLook& look);

/// availableReplicas and HPAReplicas, from the ReplicaSets.
void set_availability(RolloutLook& look);

struct PhaseAndMessage {
  std::string phase;
  std::string message;
};
/// What `kubectl argo rollouts` shows first. Source: utils/rollout/rolloututil.go, CalculateRolloutPhase.
[[nodiscard]] PhaseAndMessage phase_of(const Value& spec, const Value& status);

/// Whether every replica is updated, available and stable.
[[nodiscard]] bool is_healthy(const RolloutLook& look);
/// Whether stable is the current template.
[[nodiscard]] bool is_completed(const Value& status);
/// Aborts when spec.progressDeadlineAbort says so and the update has stood still for too long.
void abort_if_stuck(RolloutLook& look);
/// Puts pauses and an abort of this pass into look.status.
void apply_pauses(RolloutLook& look);
/// Works out every condition of look.status.
void work_out_conditions(RolloutLook& look);
/// When the progress deadline has to be looked at; nothing when it does not run.
[[nodiscard]] std::optional<Duration> until_deadline(const RolloutLook& look);

/// Whether this is a way back to an older revision that spec.rollbackWindow lets skip the steps.
[[nodiscard]] bool rollback_within_window(const RolloutLook& look);
/// The same, or back to stable in mid-update. True once everything is promoted, too.
[[nodiscard]] bool is_fast_rollback(const RolloutLook& look);

}  // namespace fairlead::control
