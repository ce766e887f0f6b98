// Source: argo-rollouts/rollout/pause.go, rollout/canary.go (reconcileCanaryPause), rollout/sync.go
// (checkPausedConditions).
#include "engine/control/rollout_pause.h"

#include <charconv>

#include "base/json.h"
#include "engine/control/delivery_names.h"
#include "engine/control/rollout_status.h"

namespace fairlead::control {
std::optional<Duration> pause_duration(const Value& pause) {
  const Value& duration = pause.at("duration");
  if (duration.is_int()) return std::chrono::seconds(duration.int_or(0));
  if (!duration.is_string()) return std::nullopt;
  const std::string_view text = duration.str();
  std::int32_t seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec == std::errc() && end == text.data() + text.size()) return std::chrono::seconds(seconds);
  const auto parsed = parse_duration(text);
  if (!parsed) return Duration(-1);
  return std::chrono::floor<std::chrono::seconds>(*parsed);
}

bool pause_completed(const RolloutLook& look, const Value& pause) {
  const Value* condition = look.pause_condition(kPauseStep);
  if (condition == nullptr) return look.old_status().at("controllerPause").bool_or(false);
  const auto duration = pause_duration(pause);
  const auto since = time_at(condition->at("startTime"));
  return duration && since && look.now >= look.after(*since, *duration);
}

std::string step_text(const Value& step) {
  if (step.has("setWeight")) return fmt::format("setWeight: {}", step.at("setWeight").int_or(0));
  if (step.has("pause")) {
    const Value& duration = step.at("pause", "duration");
    return duration.is_null() ? "pause" : fmt::format("pause: {}", scalar_text(duration));
  }
  if (step.has("analysis")) return "analysis";
  const Value& scale = step.at("setCanaryScale");
  if (scale.has("weight")) return fmt::format("setCanaryScale{{weight: {}}}", scale.at("weight").int_or(0));
  if (scale.at("matchTrafficWeight").bool_or(false)) return "setCanaryScale{matchTrafficWeight: true}";
  if (scale.has("replicas")) return fmt::format("setCanaryScale{{replicas: {}}}", scale.at("replicas").int_or(0));
  return "invalid";
}

/// Time spent in a pause counts for no deadline, so conditions follow pauses before anything else happens.
Result<Next> note_pause(RolloutLook& look) {
  const Value& status = look.old_status();
  const std::string_view reason = condition_called(status, "Progressing").at("reason").str();
  const bool paused = !status.at("pauseConditions").empty() || look.spec().at("paused").bool_or(false);
  const bool abort_noted = reason == "RolloutAborted";
  std::vector<RolloutCondition> conditions;
  if (paused != (reason == "RolloutPaused") && !abort_noted && !is_completed(status)) {
    if (paused) {
      conditions.push_back({"Progressing", "Unknown", "RolloutPaused", "Rollout is paused"});
    } else if (reason == "RolloutPaused") {
      conditions.push_back({"Progressing", "Unknown", "RolloutResumed", "Rollout is resumed"});
    }
  }
  if (!status.at("abort").bool_or(false) && abort_noted)
    conditions.push_back({"Progressing", "Unknown", "RolloutRetry", "Retrying Rollout after abort"});
  if (paused != condition_holds(status, "Paused") && !abort_noted)
    conditions.push_back({"Paused", paused ? "True" : "False", "RolloutPaused", "Rollout is paused"});
  if (conditions.empty()) return Next::kGoOn;
  // Upstream writes the phase always, and so says Healthy for a moment where a new template comes with the end of a
  // pause.
  const PhaseToo phase_too = template_or_steps_changed(look) ? PhaseToo::kNo : PhaseToo::kYes;
  if (auto r = patch_conditions(look, conditions, phase_too); !r) return std::unexpected(r.error());
  return Next::kStop;
}

Result<Next> pause_step(RolloutLook& look) {
  if (look.spec().at("paused").bool_or(false) || look.old_status().at("promoteFull").bool_or(false)) return Next::kGoOn;
  const Value* step = look.current_step();
  if (step == nullptr || !step->has("pause")) return Next::kGoOn;
  const Value* condition = look.pause_condition(kPauseStep);
  if (condition == nullptr) {
    if (!look.old_status().at("controllerPause").bool_or(false)) look.pause.add.emplace_back(kPauseStep);
    return Next::kWriteStatus;
  }
  const auto duration = pause_duration(step->at("pause"));
  const auto since = time_at(condition->at("startTime"));
  if (duration && since) {
    const Time end = look.after(*since, *duration);
    if (end > look.now) look.look_again(end - look.now);
  }
  return Next::kWriteStatus;
}

}  // namespace fairlead::control
