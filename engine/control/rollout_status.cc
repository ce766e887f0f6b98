// Ends a pass over a Rollout: is the current step over, is everything promoted, and what does the status say.
// Source: argo-rollouts/rollout/canary.go (syncRolloutStatusCanary), rollout/sync.go.
#include "engine/control/rollout_status.h"

#include <algorithm>

#include "engine/control/delivery_names.h"
#include "engine/control/rollout_pause.h"
#include "engine/control/rollout_template.h"

namespace fairlead::control {
namespace {

std::string generation_of(const RolloutLook& look) {
  return std::to_string(look.rollout->at("metadata", "generation").int_or(0));
}

void set_phase(const RolloutLook& look, Value& status) {
  status.set("observedGeneration", generation_of(look));
  const PhaseAndMessage now = phase_of(look.spec(), status);
  status.set("phase", now.phase);
  status.erase("message");
  if (!now.message.empty()) status.set("message", now.message);
}

/// metav1.FormatLabelSelector.
std::string selector_text(const Value& selector) {
  const auto parsed = api::Selector::from_label_selector(selector);
  return parsed ? parsed->to_string() : "<error>";
}

void set_step_index(RolloutLook& look, std::optional<std::int64_t> index) {
  if (index) {
    look.status.set("currentStepIndex", *index);
  } else {
    look.status.erase("currentStepIndex");
  }
}

std::optional<std::int64_t> step_count(const RolloutLook& look) {
  if (look.steps().empty()) return std::nullopt;
  return static_cast<std::int64_t>(look.steps().size());
}

/// Fields that follow from the ReplicaSets, whatever is decided.
void set_base(RolloutLook& look) {
  Value& status = look.status;
  for (const std::string_view key : {"abort", "abortedAt", "pauseConditions", "controllerPause"}) status.erase(key);
  remove_condition(status, "InvalidSpec");
  std::int64_t created = 0;
  std::int64_t ready = 0;
  for (const auto& each : look.all) {
    created += created_replicas(*each);
    ready += each->at("status", "readyReplicas").int_or(0);
  }
  status.set("currentPodHash", pod_hash_of(look.canary));
  set_count(status, "replicas", created);
  set_count(status, "updatedReplicas", look.canary ? created_replicas(*look.canary) : 0);
  set_count(status, "readyReplicas", ready);
  set_availability(look);
  status.set("selector", selector_text(look.spec().at("selector")));
  status.set("currentStepHash", step_hash(look.strategy().at("steps")));
}

/// The status as it is at the beginning of an update.
void reset(RolloutLook& look) {
  look.pause.clear = true;
  look.pause.remove_abort = true;
  look.status.erase("promoteFull");
  if (Value* canary = look.status.find("canary"); canary != nullptr && canary->is_object()) {
    canary->erase("currentStepAnalysisRunStatus");
    canary->erase("currentBackgroundAnalysisRunStatus");
  }
  const auto count = step_count(look);
  set_step_index(look, count ? std::optional<std::int64_t>(0) : std::nullopt);
  if (!count || !look.canary) return;
  if (look.stable_hash() == pod_hash_of(look.canary)) {
    look.note("SkipSteps", "Rollback to stable ReplicaSets");
    set_step_index(look, count);
  } else if (rollback_within_window(look) && desired_replicas(*look.canary) > 0) {
    look.note("SkipSteps", "Rollback to active ReplicaSets within RollbackWindow");
    set_step_index(look, count);
  }
}

/// Why the current template becomes stable now; empty while it does not.
std::string promotion_reason(const RolloutLook& look) {
  if (!look.stable) return "Initial deploy";
  if (look.aborted() || !look.canary) return {};
  const bool full = look.old_status().at("promoteFull").bool_or(false);
  if (look.held_until && !full && !look.fully_promoted()) return {};
  const CanaryFacts facts = look.facts();
  const bool enough = available_replicas(*look.canary) >= facts.replicas;
  if (!enough && !enough_available(facts, facts.canary, facts.replicas)) return {};
  if (full) return "Full promotion requested";
  if (is_fast_rollback(look)) return rollback_within_window(look) ? "Rollback within window" : "Fast rollback";
  const auto count = step_count(look);
  if (!count || look.step_index() == count) return fmt::format("Completed all {} canary steps", count.value_or(0));
  return {};
}

void promote(RolloutLook& look, const std::string& reason) {
  look.pause.clear = true;
  look.pause.remove_abort = true;
  look.status.erase("promoteFull");
  set_step_index(look, step_count(look));
  const std::string hash(look.status.at("currentPodHash").str());
  if (look.status.at("stableRS").str() == hash) return;
  look.status.set("stableRS", hash);
  look.note("RolloutCompleted",
            fmt::format("Rollout completed update to revision {} ({}): {}", revision_of(*look.rollout), hash, reason));
}

bool step_completed(const RolloutLook& look) {
  if (look.spec().at("paused").bool_or(false) || look.held_until) return false;
  if (look.old_status().at("promoteFull").bool_or(false)) return false;
  const Value* step = look.current_step();
  if (step == nullptr) return false;
  if (step->has("pause")) return pause_completed(look, step->at("pause"));
  if (step->has("setCanaryScale")) return counts_reached(look.facts(), shares_of(look.status));
  if (step->has("setWeight")) {
    const Value& verified = look.status.at("canary", "weights", "verified");
    return counts_reached(look.facts(), shares_of(look.status)) && verified.bool_or(true);
  }
  return step->has("analysis") && look.step_run && look.step_run->at("status", "phase").str() == phase::kSuccessful;
}

void move_on(RolloutLook& look) {
  const std::int64_t next = look.step_index().value_or(0) + 1;
  if (Value* canary = look.status.find("canary"); canary != nullptr && canary->is_object())
    canary->erase("currentStepAnalysisRunStatus");
  look.note("RolloutStepCompleted", fmt::format("Rollout step {}/{} completed ({})", next, look.steps().size(),
                                                step_text(*look.current_step())));
  look.pause.remove.emplace_back(kPauseStep);
  set_step_index(look, next);
}

void announce_pauses(const RolloutLook& look) {
  const auto& now = look.status.at("pauseConditions").items();
  const bool was = !look.old_status().at("pauseConditions").empty();
  if (was == !now.empty()) return;
  if (!now.empty()) {
    look.note("RolloutPaused", fmt::format("Rollout is paused ({})", now.front().at("reason").str()));
  } else if (!look.status.has("abortedAt")) {
    look.note("RolloutResumed", "Rollout is resumed");
  }
}

}  // namespace

void set_availability(RolloutLook& look) {
  std::int64_t created = 0;
  std::int64_t available = 0;
  for (const auto& each : look.all) {
    created += created_replicas(*each);
    available += available_replicas(*each);
  }
  set_count(look.status, "availableReplicas", available);
  set_count(look.status, "HPAReplicas", created);
}

bool template_or_steps_changed(const RolloutLook& look) {
  const Value& status = look.old_status();
  if (!is_hash_of_steps(status.at("currentStepHash").str(), look.strategy().at("steps"))) return true;
  return !look.pod_hash().empty() && look.pod_hash() != pod_hash_of(look.canary);
}

bool rollback_within_window(const RolloutLook& look) {
  if (!look.canary || !look.stable) return false;
  const Time canary = creation_of(*look.canary);
  const Time stable = creation_of(*look.stable);
  const std::int64_t allowed = look.spec().at("rollbackWindow", "revisions").int_or(0);
  if (canary >= stable || allowed <= 0) return false;
  const auto between = std::ranges::count_if(
      look.all, [&](const api::ObjectPtr& each) { return canary < creation_of(*each) && creation_of(*each) < stable; });
  return between < allowed;
}

bool is_fast_rollback(const RolloutLook& look) {
  if (!look.canary || !look.stable) return false;
  return look.stable_hash() == pod_hash_of(look.canary) || rollback_within_window(look);
}

Result<> write_status(RolloutLook& look) {
  abort_if_stuck(look);
  apply_pauses(look);
  work_out_conditions(look);
  set_phase(look, look.status);
  if (const auto wait = until_deadline(look)) look.look_again(*wait);
  if (look.status == look.old_status()) return {};
  const auto written = look.in.api.mutate(look.rollout->key(), api::Subresource::kStatus,
                                          [&](Value& tree) { tree.set("status", look.status); });
  if (!written) return fail("{}", written.error().message);
  announce_pauses(look);
  return {};
}

Result<> patch_conditions(RolloutLook& look, const std::vector<RolloutCondition>& conditions, PhaseToo phase_too) {
  const auto written = look.in.api.mutate(look.rollout->key(), api::Subresource::kStatus, [&](Value& tree) {
    Value& status = tree["status"];
    if (!status.is_object()) status = Value::object();
    for (const RolloutCondition& condition : conditions) set_condition(status, condition, look.now);
    if (phase_too == PhaseToo::kYes) set_phase(look, status);
  });
  if (!written) return fail("{}", written.error().message);
  look.rollout = *written;
  return {};
}

Result<> write_canary_status(RolloutLook& look) {
  const Value stored = look.old_status();
  set_base(look);
  if (template_or_steps_changed(look)) {
    reset(look);
    return write_status(look);
  }
  std::optional<std::int64_t> index = look.step_index();
  if (stored.at("promoteFull").bool_or(false) || rollback_within_window(look)) {
    look.pause.clear = true;
    look.pause.remove_abort = true;
    index = step_count(look);
  }
  if (const std::string reason = promotion_reason(look); !reason.empty()) {
    promote(look, reason);
    return write_status(look);
  }
  set_step_index(look, index);
  if (look.aborted()) {
    const auto count = step_count(look);
    if (count) set_step_index(look, is_completed(look.status) ? *count : 0);
    return write_status(look);
  }
  if (step_completed(look)) move_on(look);
  return write_status(look);
}

}  // namespace fairlead::control
