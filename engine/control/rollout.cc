#include "engine/control/rollout.h"

#include <array>
#include <utility>

#include "engine/control/delivery_names.h"
#include "engine/control/ownership.h"
#include "engine/control/rollout_routes.h"
#include "engine/control/rollout_services.h"
#include "engine/control/rollout_status.h"
#include "engine/control/rollout_validation.h"

namespace fairlead::control {
namespace {

constexpr Duration kInvalidRetry = std::chrono::seconds(20);

using Step = Result<Next> (*)(RolloutLook&);
constexpr std::array<Step, 14> kSteps = {
    default_replicas,    // a Rollout without spec.replicas gets one
    create_replica_set,  // the current template has a ReplicaSet
    note_pause,          // conditions follow pauses and retries
    sync_revision,       // which has the highest revision
    follow_scale,        // sizes follow spec.replicas, alone
    start_over,          // a new template or new steps reset the status, alone
    restart_pods,        // spec.restartAt
    sync_pod_metadata,   // canaryMetadata and stableMetadata
    limit_history,       // old ReplicaSets beyond revisionHistoryLimit go
    point_services,      // stable and canary Service select their pods
    route_traffic,       // weights in HTTPRoutes
    run_analyses,        // AnalysisRuns begin, end, abort and pause
    scale_replica_sets,  // stable, canary, then the others
    pause_step,          // a pause begins or goes on
};

void add_owner(const api::Object& object, const api::Resource& rollouts, Queue& queue) {
  if (const auto owner = controller_key(object, rollouts)) queue.add(*owner);
}

bool uses_route(const RolloutServices& in, const api::Object& rollout, const api::Key& key) {
  for (const api::Key& each : routes_of(in, rollout))
    if (each == key) return true;
  return false;
}

/// ReplicaSets that are a Rollout's. Without a pod hash one is none: upstream's controller does not even see it, so
/// that the ReplicaSet of a Deployment with the same labels is left alone.
Result<api::Selector> selector_of(const api::Object& rollout) {
  Value selector = rollout.at("spec", "selector");
  const auto written = api::Selector::from_label_selector(selector);
  if (!written || !selector.is_object() || written->selects_everything()) return fail("the selector selects too much");
  selector["matchExpressions"].push_back(Value::object({{"key", kPodHashLabel}, {"operator", "Exists"}}));
  return api::Selector::from_label_selector(selector);
}

/// Takes over ReplicaSets that match and belong to nobody, as one that was orphaned by the Rollout's deletion, and lets
/// those go that match no longer.
Result<> claim_replica_sets(const RolloutServices& in, const api::Object& rollout) {
  const auto selector = selector_of(rollout);
  if (!selector) return {};  // Said as InvalidSpec.
  const auto claimed = claim(in.api, rollout, in.replica_sets, *selector);
  return claimed ? Result<>() : std::unexpected(claimed.error());
}

void offer_orphan(const RolloutServices& in, const api::Object& replica_set, Queue& queue) {
  for (const auto& rollout : in.api.list(in.rollouts, replica_set.ns())) {
    const auto selector = selector_of(*rollout);
    if (selector && selector->matches(replica_set.at("metadata", "labels"))) queue.add(rollout->key());
  }
}

/// The specification, or something it refers to, is not in order: nothing moves until it is.
Result<Again> note_invalid(RolloutLook& look, const std::string& problem) {
  const std::string message = fmt::format("The Rollout \"{}\" is invalid: {}", look.rollout->name(), problem);
  const Value& before = condition_called(look.old_status(), "InvalidSpec");
  const std::string generation = std::to_string(look.rollout->at("metadata", "generation").int_or(0));
  const bool noted =
      before.at("message").str() == message && look.old_status().at("observedGeneration").str() == generation;
  if (noted) return Again::in(kInvalidRetry);
  if (!before.is_null()) {
    const auto cleared = look.in.api.mutate(look.rollout->key(), api::Subresource::kStatus,
                                            [](Value& tree) { remove_condition(tree["status"], "InvalidSpec"); });
    if (!cleared) return fail("{}", cleared.error().message);
  }
  if (auto r = patch_conditions(look, {{"InvalidSpec", "True", "InvalidSpec", message}}, PhaseToo::kYes); !r)
    return std::unexpected(r.error());
  return Again::in(kInvalidRetry);
}

}  // namespace

RolloutReconciler::RolloutReconciler(api::Api& api, std::shared_ptr<ResumeGate> gate) : in_(api, std::move(gate)) {}

void RolloutReconciler::observe(const api::Event& event, Queue& queue) {
  const api::Object& object = *event.object;
  const api::Resource* resource = &object.resource();
  if (resource == &in_.rollouts) {
    queue.add(object.key());
  } else if (resource == &in_.replica_sets || resource == &in_.runs) {
    add_owner(object, in_.rollouts, queue);
    const bool left = event.type != api::Event::Type::kDeleted && controller_of(object.tree()).is_null();
    if (left && resource == &in_.replica_sets) offer_orphan(in_, object, queue);
  } else if (resource == &in_.services) {
    for (const auto& rollout : in_.api.list(in_.rollouts, object.ns()))
      if (names_service(*rollout, object.name())) queue.add(rollout->key());
  } else if (resource == &in_.routes) {
    for (const auto& rollout : in_.api.list(in_.rollouts))
      if (uses_route(in_, *rollout, object.key())) queue.add(rollout->key());
  }
}

Result<Again> RolloutReconciler::reconcile(const api::Key& key) {
  const auto rollout = in_.api.get(key);
  if (auto r = release_services(in_, key, rollout.get()); !r) return std::unexpected(r.error());
  if (!rollout) in_.readings->erase(key);
  if (!rollout || rollout->deleting()) return Again::when_changed();
  if (auto r = claim_replica_sets(in_, *rollout); !r) return std::unexpected(r.error());
  RolloutLook look(in_, rollout);
  if (const std::string problem = reference_problem(look); !problem.empty()) return note_invalid(look, problem);
  for (const Step step : kSteps) {
    const auto next = step(look);
    if (!next) return std::unexpected(next.error());
    if (*next == Next::kStop) return Again{look.again};
    if (*next == Next::kWriteStatus) break;
  }
  if (auto r = write_canary_status(look); !r) return std::unexpected(r.error());
  return Again{look.again};
}

}  // namespace fairlead::control
