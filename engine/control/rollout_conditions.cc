// Conditions, pauses and phase of a Rollout's status.
// Source: argo-rollouts/utils/conditions/conditions.go, rollout/sync.go (calculateRolloutConditions), rollout/pause.go.
#include <algorithm>

#include "engine/control/analysis_status.h"
#include "engine/control/delivery_names.h"
#include "engine/control/rollout_status.h"
#include "engine/control/rollout_warnings.h"

namespace fairlead::control {
namespace {

std::int64_t number(const Value& status, std::string_view key) { return status.at(key).int_or(0); }

/// "ReplicaSet "web-1" …", or the Rollout while there is no ReplicaSet.
std::string about(const RolloutLook& look, std::string_view what) {
  if (look.canary) return fmt::format("ReplicaSet \"{}\" {}", look.canary->name(), what);
  return fmt::format("Rollout \"{}\" {}", look.rollout->name(), what);
}

/// Steps that may take as long as they like.
bool on_indefinite_step(const RolloutLook& look) {
  const Value* step = look.current_step();
  if (step != nullptr && (step->has("experiment") || step->has("analysis") || step->has("pause"))) return true;
  return condition_holds(look.old_status(), "Paused");
}

bool waits_for_scale_down(const RolloutLook& look) {
  return std::ranges::any_of(look.others(), [](const api::ObjectPtr& each) {
    return !each->annotation(kScaleDownDeadlineAnnotation).empty();
  });
}

bool made_progress(const RolloutLook& look) {
  const Value& before = look.old_status();
  const Value& after = look.status;
  const auto old_pods = [](const Value& s) { return number(s, "replicas") - number(s, "updatedReplicas"); };
  const bool step_moved = before.has("currentStepIndex") && after.has("currentStepIndex") &&
                          before.at("currentStepIndex") != after.at("currentStepIndex");
  return number(after, "updatedReplicas") != number(before, "updatedReplicas") || old_pods(after) < old_pods(before) ||
         number(after, "readyReplicas") > number(before, "readyReplicas") ||
         number(after, "availableReplicas") > number(before, "availableReplicas") || step_moved ||
         after.at("stableRS").str() != before.at("stableRS").str() ||
         after.at("currentStepHash").str() != before.at("currentStepHash").str();
}

Duration progress_deadline(const RolloutLook& look) {
  return std::chrono::seconds(look.spec().at("progressDeadlineSeconds").int_or(600));
}

bool timed_out(const RolloutLook& look, const Value& status) {
  const Value& progressing = condition_called(status, "Progressing");
  const std::string_view reason = progressing.at("reason").str();
  if (reason == "RolloutAborted" || reason == "RolloutPaused") return false;
  if (reason == "ProgressDeadlineExceeded") return true;
  const auto updated = time_at(progressing.at("lastUpdateTime"));
  return updated && look.after(*updated, progress_deadline(look)) < look.now;
}

/// The last bad measurement behind an abort: what was measured, and when.
std::string evidence(const RolloutLook& look) {
  for (const auto& run : {look.step_run, look.background_run}) {
    if (!run) continue;
    const std::string_view phase = run->at("status", "phase").str();
    if (phase != phase::kFailed && phase != phase::kError) continue;
    const RunStatus status = RunStatus::of(run->at("status"));
    for (const MetricResult& result : status.results) {
      if (result.dry_run || result.phase != phase || result.measurements.empty()) continue;
      const Measurement& last = result.measurements.back();
      const std::string value = last.value.empty() ? "no value" : last.value;
      const std::string time = last.finished ? format_time(*last.finished) : "an unknown time";
      return fmt::format(" (AnalysisRun {}: {} measured {} at {})", run->name(), result.name, value, time);
    }
  }
  return {};
}

bool set_health(RolloutLook& look, bool paused) {
  if (!paused && is_healthy(look)) {
    set_condition(look.status, {"Healthy", "True", "RolloutHealthy", "Rollout is healthy"}, look.now);
    return false;
  }
  if (condition_called(look.old_status(), "Healthy").is_null()) return false;
  return set_condition(look.status, {"Healthy", "False", "RolloutHealthy", "Rollout is not healthy"}, look.now);
}

void set_aborted(RolloutLook& look) {
  std::string message = fmt::format("Rollout aborted update to revision {}", revision_of(*look.rollout));
  if (!look.pause.abort_message.empty()) message += ": " + look.pause.abort_message + evidence(look);
  if (look.routed() && abort_gets_stuck(look.strategy()))
    message += " (it may keep traffic: remove abortScaleDownDelaySeconds, or take the change back)";
  if (set_condition(look.status, {"Progressing", "False", "RolloutAborted", message}, look.now))
    look.warn("RolloutAborted", message);
}

/// Progress renews the condition's last update even where nothing else of it changes.
void renew_progress(RolloutLook& look, bool became_unhealthy) {
  RolloutCondition condition{"Progressing", "True", "ReplicaSetUpdated", about(look, "is progressing.")};
  if (is_completed(look.status) && became_unhealthy) {
    condition.reason = "ReplicaSetNotAvailable";
    condition.message = "Rollout does not have minimum availability";
  }
  const Value& before = condition_called(look.old_status(), "Progressing");
  const Value transition = before.at("status").str() == "True" ? before.at("lastTransitionTime") : Value();
  remove_condition(look.status, "Progressing");
  set_condition(look.status, condition, look.now);
  if (!transition.is_null()) look.status["conditions"].mutable_items().back().set("lastTransitionTime", transition);
}

void set_progress(RolloutLook& look, bool became_unhealthy) {
  if (is_healthy(look)) {
    const std::string name(look.canary ? look.canary->name() : "");
    set_condition(look.status,
                  {"Progressing", "True", "NewReplicaSetAvailable",
                   fmt::format("ReplicaSet \"{}\" has successfully progressed.", name)},
                  look.now);
  } else if (made_progress(look) || became_unhealthy) {
    renew_progress(look, became_unhealthy);
  } else if (!on_indefinite_step(look) && !waits_for_scale_down(look) && timed_out(look, look.status)) {
    set_condition(look.status,
                  {"Progressing", "False", "ProgressDeadlineExceeded", about(look, "has timed out progressing.")},
                  look.now);
  }
}

void set_available(RolloutLook& look) {
  std::int64_t available = 0;
  for (const auto& each : look.all) available += available_replicas(*each);
  const bool enough = available >= look.replicas();
  set_condition(look.status,
                {"Available", enough ? "True" : "False", "AvailableReason",
                 enough ? "Rollout has minimum availability" : "Rollout does not have minimum availability"},
                look.now);
}

/// A ReplicaSet that cannot make pods says so here too; the canary's word counts first.
void set_replica_failure(RolloutLook& look) {
  Value found;
  if (look.canary) found = condition_called(look.canary->at("status"), "ReplicaFailure");
  for (const auto& each : look.all)
    if (found.is_null()) found = condition_called(each->at("status"), "ReplicaFailure");
  if (found.is_null()) {
    remove_condition(look.status, "ReplicaFailure");
    return;
  }
  set_condition(look.status,
                {"ReplicaFailure", std::string(found.at("status").str()), std::string(found.at("reason").str()),
                 std::string(found.at("message").str())},
                look.now);
}

void set_completed(RolloutLook& look) {
  if (is_completed(look.status)) {
    set_condition(look.status, {"Completed", "True", "RolloutCompleted", "RolloutCompleted"}, look.now);
  } else if (set_condition(look.status, {"Completed", "False", "RolloutCompleted", "RolloutCompleted"}, look.now)) {
    look.note("RolloutNotCompleted", fmt::format("Rollout not completed, started update to revision {} ({})",
                                                 revision_of(*look.rollout), look.status.at("currentPodHash").str()));
  }
}

}  // namespace

bool set_condition(Value& status, const RolloutCondition& condition, Time now) {
  return set_updated_condition(status, condition.type, condition.status, condition.reason, condition.message, now);
}

void remove_condition(Value& status, std::string_view type) {
  drop_condition(status, type);
  if (status.at("conditions").empty()) status.erase("conditions");
}

bool is_completed(const Value& status) {
  const std::string_view stable = status.at("stableRS").str();
  return !stable.empty() && stable == status.at("currentPodHash").str();
}

bool is_healthy(const RolloutLook& look) {
  const Value& status = look.status;
  const auto wanted = static_cast<std::int64_t>(look.replicas());
  const auto steps = static_cast<std::int64_t>(look.steps().size());
  const bool all_steps = steps == 0 || !status.has("currentStepIndex") || number(status, "currentStepIndex") == steps;
  const std::string generation = std::to_string(look.rollout->at("metadata", "generation").int_or(0));
  return number(status, "updatedReplicas") == wanted && number(status, "availableReplicas") == wanted &&
         number(status, "replicas") == wanted && look.old_status().at("observedGeneration").str() == generation &&
         all_steps && is_completed(status);
}

void abort_if_stuck(RolloutLook& look) {
  if (!look.spec().at("progressDeadlineAbort").bool_or(false) || look.aborted() || is_completed(look.status)) return;
  if (made_progress(look) || on_indefinite_step(look) || waits_for_scale_down(look)) return;
  if (!timed_out(look, look.old_status())) return;
  look.pause.add_abort = true;
  look.pause.abort_message = about(look, "has timed out progressing.");
  look.warn("RolloutAborted", look.pause.abort_message);
}

void apply_pauses(RolloutLook& look) {
  const Value& before = look.old_status();
  const PauseChanges& change = look.pause;
  if (change.add_abort || (!change.remove_abort && before.at("abort").bool_or(false))) {
    look.status.set("abort", true);
    look.status.set("abortedAt", before.has("abortedAt") ? before.at("abortedAt") : Value(format_time(look.now)));
    return;
  }
  look.status.erase("abort");
  look.status.erase("abortedAt");
  if (change.clear) return;
  Value conditions = Value::array();
  bool by_controller = before.at("controllerPause").bool_or(false);
  for (const Value& each : before.at("pauseConditions").items())
    if (std::ranges::find(change.remove, each.at("reason").str()) == change.remove.end()) conditions.push_back(each);
  for (const std::string& reason : change.add) {
    if (look.pause_condition(reason) != nullptr) continue;
    conditions.push_back(Value::object({{"reason", reason}, {"startTime", format_time(look.now)}}));
    by_controller = true;
  }
  if (conditions.empty()) return;
  if (by_controller) look.status.set("controllerPause", true);
  look.status.set("pauseConditions", std::move(conditions));
}

void work_out_conditions(RolloutLook& look) {
  const bool paused = !look.status.at("pauseConditions").empty() || look.spec().at("paused").bool_or(false);
  const bool became_unhealthy = set_health(look, paused);
  if (look.aborted()) {
    set_aborted(look);
  } else {
    set_progress(look, became_unhealthy);
  }
  set_available(look);
  set_replica_failure(look);
  set_completed(look);
}

std::optional<Duration> until_deadline(const RolloutLook& look) {
  const Value& progressing = condition_called(look.status, "Progressing");
  if (progressing.is_null() || is_healthy(look) || progressing.at("reason").str() == "ProgressDeadlineExceeded")
    return std::nullopt;
  const bool paused = !look.status.at("pauseConditions").empty() || look.spec().at("paused").bool_or(false);
  if (paused || look.status.at("abort").bool_or(false) || on_indefinite_step(look)) return std::nullopt;
  const auto updated = time_at(progressing.at("lastUpdateTime"));
  if (!updated) return std::nullopt;
  return std::max(Duration(0), look.after(*updated, progress_deadline(look)) - look.now) + std::chrono::seconds(1);
}

PhaseAndMessage phase_of(const Value& spec, const Value& status) {
  for (const Value& condition : status.at("conditions").items()) {
    const std::string_view reason = condition.at("reason").str();
    if (condition.at("type").str() == "InvalidSpec")
      return {"Degraded", fmt::format("InvalidSpec: {}", condition.at("message").str())};
    if (reason == "RolloutAborted" || reason == "ProgressDeadlineExceeded")
      return {"Degraded", fmt::format("{}: {}", reason, condition.at("message").str())};
  }
  if (spec.at("paused").bool_or(false)) return {"Paused", "manually paused"};
  if (const auto& pauses = status.at("pauseConditions").items(); !pauses.empty())
    return {"Paused", std::string(pauses.front().at("reason").str())};
  const auto restart = time_at(spec.at("restartAt"));
  if (restart && restart != time_at(status.at("restartedAt"))) return {"Progressing", "rollout is restarting"};
  const std::int64_t updated = number(status, "updatedReplicas");
  if (updated < spec.at("replicas").int_or(1)) return {"Progressing", "more replicas need to be updated"};
  if (number(status, "availableReplicas") < updated)
    return {"Progressing", "updated replicas are still becoming available"};
  const bool routed = spec.at("strategy", "canary", "trafficRouting").is_object();
  if (!routed && number(status, "replicas") > updated) return {"Progressing", "old replicas are pending termination"};
  if (!is_completed(status)) return {"Progressing", "waiting for all steps to complete"};
  return {"Healthy", ""};
}

}  // namespace fairlead::control
