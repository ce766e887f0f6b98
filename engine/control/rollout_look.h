// One look at one Rollout: what belongs to it, and what this pass has decided so far. Internal to rollout*.cc.
// Source of the whole flow: argo-rollouts/rollout/context.go, controller.go, canary.go, sync.go.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/control/canary_replicas.h"
#include "engine/control/event_recorder.h"
#include "engine/control/reconciler.h"
#include "engine/control/resume_gate.h"

namespace fairlead::control {

/// How often upstream's controller looks at every Rollout, unless --rollout-resync says otherwise.
inline constexpr Duration kResyncPeriod = std::chrono::minutes(15);

/// Pauses and aborts that this pass adds or takes away; they reach the status when it is written.
struct PauseChanges {
  std::vector<std::string> add;
  std::vector<std::string> remove;
  bool clear = false;
  bool add_abort = false;
  bool remove_abort = false;
  std::string abort_message;
};

/// What follows from a Rollout as it is written, and takes long to work out: most looks find the same one again.
struct RolloutReading {
  std::string uid;
  Value generation;
  Value labels;  ///< Analyses' arguments can refer to these, and to annotations.
  Value annotations;
  std::string problem;  ///< Of rollout_problems the first; empty for none.
  Value pod_template;   ///< typed_template of spec.template.
};

/// What all looks share. Everything outlives them.
struct RolloutServices {
  api::Api& api;
  std::unique_ptr<std::map<api::Key, RolloutReading>> readings;  ///< Of each Rollout the last.
  std::shared_ptr<ResumeGate> gate;
  EventRecorder events;

  const api::Resource& rollouts;
  const api::Resource& replica_sets;
  const api::Resource& pods;
  const api::Resource& services;
  const api::Resource& runs;
  const api::Resource& routes;
  const api::Resource& pod_templates;

  RolloutServices(api::Api& api, std::shared_ptr<ResumeGate> gate);
  /// Lasts until the Rollout is read anew or forgotten.
  [[nodiscard]] const RolloutReading& reading_of(const api::Object& rollout) const;
};

struct RolloutLook {
  RolloutLook(const RolloutServices& services, api::ObjectPtr object);

  const RolloutServices& in;
  api::ObjectPtr rollout;
  Time now;

  std::vector<api::ObjectPtr> all;  ///< Every ReplicaSet of the Rollout, oldest first.
  api::ObjectPtr canary;            ///< The one of the current template; null before it is made.
  api::ObjectPtr stable;            ///< The one that status.stableRS names; null on the first deploy.
  api::ObjectPtr step_run;          ///< The current AnalysisRuns, as the status names them.
  api::ObjectPtr background_run;
  std::vector<api::ObjectPtr> other_runs;

  Value status;  ///< The new status, begun as a copy of the old one.
  PauseChanges pause;
  std::optional<Time> held_until;  ///< After a restart: nothing advances before.
  std::optional<Duration> again;

  [[nodiscard]] const Value& spec() const { return rollout->at("spec"); }
  [[nodiscard]] const Value& strategy() const { return rollout->at("spec", "strategy", "canary"); }
  [[nodiscard]] const Value& old_status() const { return rollout->at("status"); }
  [[nodiscard]] const Value::Array& steps() const { return strategy().at("steps").items(); }
  [[nodiscard]] std::int32_t replicas() const;
  [[nodiscard]] bool routed() const { return strategy().at("trafficRouting").is_object(); }
  [[nodiscard]] std::string_view stable_hash() const { return old_status().at("stableRS").str(); }
  [[nodiscard]] std::string_view pod_hash() const { return old_status().at("currentPodHash").str(); }
  [[nodiscard]] bool fully_promoted() const { return stable_hash() == pod_hash(); }
  [[nodiscard]] bool aborted() const;
  /// The step that is under way, from the stored status; null after the last one or without steps.
  [[nodiscard]] const Value* current_step() const;
  [[nodiscard]] std::optional<std::int64_t> step_index() const;
  /// ReplicaSets that are neither canary nor stable.
  [[nodiscard]] std::vector<api::ObjectPtr> others() const;
  /// The pause condition with this reason in the stored status, or null.
  [[nodiscard]] const Value* pause_condition(std::string_view reason) const;
  /// "user paused", "inconclusive analysis", or empty when scaling may go on.
  [[nodiscard]] std::string_view halt_reason() const;
  /// The numbers that canary arithmetic works on.
  [[nodiscard]] CanaryFacts facts() const;
  /// When something that began at `from` has lasted `wait`, time without an engine aside.
  [[nodiscard]] Time after(Time from, Duration wait) const { return from + wait + in.gate->lost_since(from); }

  void look_again(Duration after);
  /// Puts a newer state of a ReplicaSet everywhere its older one stands.
  void replace(const api::ObjectPtr& replica_set);
  void note(std::string_view reason, std::string_view message) const { in.events.normal(*rollout, reason, message); }
  void warn(std::string_view reason, std::string_view message) const { in.events.warning(*rollout, reason, message); }
};

/// What happens after a step of the flow.
enum class Next : std::uint8_t {
  kGoOn,
  kWriteStatus,  ///< The rest is left out; the status is worked out and written.
  kStop,         ///< Nothing more in this pass; something was written that brings the next one.
};

[[nodiscard]] std::int32_t desired_replicas(const api::Object& replica_set);
[[nodiscard]] std::int32_t available_replicas(const api::Object& replica_set);
[[nodiscard]] std::int32_t created_replicas(const api::Object& replica_set);
[[nodiscard]] std::string_view pod_hash_of(const api::ObjectPtr& replica_set);
[[nodiscard]] Time creation_of(const api::Object& object);
/// rollout.argoproj.io/revision; 0 when there is none.
[[nodiscard]] std::int64_t revision_of(const api::Object& object);
/// The number in a revision annotation, which anybody may write: 0 when it is none.
[[nodiscard]] std::int64_t revision_in(std::string_view text);
[[nodiscard]] std::optional<TrafficShares> shares_of(const Value& status);

// The steps of a look, in the order in which rollout.cc runs them.
[[nodiscard]] Result<Next> default_replicas(RolloutLook& look);
[[nodiscard]] Result<Next> create_replica_set(RolloutLook& look);
[[nodiscard]] Result<Next> note_pause(RolloutLook& look);
[[nodiscard]] Result<Next> sync_revision(RolloutLook& look);
[[nodiscard]] Result<Next> follow_scale(RolloutLook& look);
[[nodiscard]] Result<Next> start_over(RolloutLook& look);
[[nodiscard]] Result<Next> restart_pods(RolloutLook& look);
[[nodiscard]] Result<Next> sync_pod_metadata(RolloutLook& look);
[[nodiscard]] Result<Next> limit_history(RolloutLook& look);
[[nodiscard]] Result<Next> point_services(RolloutLook& look);
[[nodiscard]] Result<Next> route_traffic(RolloutLook& look);
[[nodiscard]] Result<Next> run_analyses(RolloutLook& look);
[[nodiscard]] Result<Next> scale_replica_sets(RolloutLook& look);
[[nodiscard]] Result<Next> pause_step(RolloutLook& look);
/// Works out what the steps came to, whether one is over, and writes the status.
[[nodiscard]] Result<> write_canary_status(RolloutLook& look);
/// Writes look.status with pauses, conditions and phase put in.
[[nodiscard]] Result<> write_status(RolloutLook& look);

}  // namespace fairlead::control
