// Pods of a Rollout: restarts on demand, and metadata that canary and stable pods carry.
// Source: argo-rollouts/rollout/restart.go, ephemeralmetadata.go.
#include <algorithm>

#include "engine/api/pod_subresources.h"
#include "engine/control/conditions.h"
#include "engine/control/delivery_names.h"
#include "engine/control/pod_state.h"
#include "engine/control/rollout_look.h"
#include "engine/control/rollout_template.h"

namespace fairlead::control {
namespace {

constexpr Duration kRestartPoll = std::chrono::seconds(30);

std::vector<api::ObjectPtr> pods_of(const RolloutLook& look, const api::Object& replica_set) {
  std::vector<api::ObjectPtr> out;
  for (const auto& object : look.in.api.store().owned(replica_set.uid()))
    if (&object->resource() == &look.in.pods) out.push_back(object);
  return out;
}

bool available(const RolloutLook& look, const api::Object& pod) {
  const Duration wait = std::chrono::seconds(look.spec().at("minReadySeconds").int_or(0));
  return !pod.deleting() && pod_is_available(pod.tree(), wait, look.now);
}

/// Stable first, then the canary, then the rest by age.
std::vector<api::ObjectPtr> by_priority(const RolloutLook& look) {
  std::vector<api::ObjectPtr> out;
  if (look.stable) out.push_back(look.stable);
  if (look.canary && look.canary != look.stable) out.push_back(look.canary);
  std::ranges::copy(look.others(), std::back_inserter(out));
  return out;
}

/// Lets a pod go unless a PodDisruptionBudget forbids it; true when it went.
Result<bool> evict(RolloutLook& look, const api::Object& pod) {
  if (const auto admitted = api::admit_eviction(look.in.api, pod, false); !admitted) {
    if (admitted.error().code == 429) return false;
    return fail("{}", admitted.error().message);
  }
  const auto removed = look.in.api.remove(pod.key());
  if (!removed && !removed.error().not_found()) return fail("{}", removed.error().message);
  return true;
}

Result<> sync_pods(RolloutLook& look, const api::Object& replica_set, const Value& before, const Value& wanted) {
  for (const auto& pod : pods_of(look, replica_set)) {
    Value probe = pod->at("metadata");
    if (!exchange_metadata(probe, before, wanted)) continue;
    const auto written = look.in.api.mutate(pod->key(), api::Subresource::kNone,
                                            [&](Value& tree) { exchange_metadata(tree["metadata"], before, wanted); });
    if (!written && !written.error().not_found()) return fail("{}", written.error().message);
  }
  return {};
}

Result<> sync_metadata(RolloutLook& look, const api::ObjectPtr& replica_set, const Value& wanted) {
  if (!replica_set) return {};
  const Value before = injected_metadata(replica_set->tree());
  Value probe = replica_set->tree();
  if (inject_metadata(probe, wanted)) {
    const auto written = look.in.api.mutate(replica_set->key(), api::Subresource::kNone,
                                            [&](Value& tree) { inject_metadata(tree, wanted); });
    if (!written) return fail("{}", written.error().message);
    look.replace(*written);
  }
  if (desired_replicas(*replica_set) == 0) return {};
  return sync_pods(look, *replica_set, before, wanted);
}

}  // namespace

Result<Next> restart_pods(RolloutLook& look) {
  const auto at = time_at(look.spec().at("restartAt"));
  if (!at || time_at(look.old_status().at("restartedAt")) == at) return Next::kGoOn;
  if (look.now <= *at) {
    look.look_again(*at - look.now + Duration(1));
    return Next::kGoOn;
  }
  std::vector<api::ObjectPtr> pods;
  std::int32_t total = 0;
  for (const auto& each : by_priority(look)) {
    total += desired_replicas(*each);
    std::ranges::copy(pods_of(look, *each), std::back_inserter(pods));
  }
  const auto count = std::ranges::count_if(pods, [&](const api::ObjectPtr& pod) { return available(look, *pod); });
  const std::int32_t at_once = std::max(look.facts().fences.unavailable, 1);
  std::int32_t room = static_cast<std::int32_t>(count) - (std::max(look.replicas(), total) - at_once);
  std::int32_t outdated = 0;
  std::int32_t restarted = 0;
  for (const auto& pod : pods) {
    if (creation_of(*pod) >= *at) continue;
    ++outdated;
    if (room <= 0 || pod->deleting()) continue;
    const auto gone = evict(look, *pod);
    if (!gone) return std::unexpected(gone.error());
    if (!*gone) continue;
    --room;
    ++restarted;
  }
  if (outdated > 0) look.look_again(kRestartPoll);
  // What was counted as available is not any more: nothing else is scaled by these numbers.
  if (restarted > 0) return Next::kStop;
  if (outdated == 0) look.status.set("restartedAt", look.spec().at("restartAt"));
  return Next::kGoOn;
}

Result<Next> sync_pod_metadata(RolloutLook& look) {
  const Value& canary = look.strategy().at("canaryMetadata");
  const Value& stable = look.strategy().at("stableMetadata");
  if (canary.is_null() && stable.is_null()) return Next::kGoOn;
  const bool steady = look.stable_hash().empty() || look.stable_hash() == pod_hash_of(look.canary);
  if (auto r = sync_metadata(look, look.canary, steady ? stable : canary); !r) return std::unexpected(r.error());
  if (!steady)
    if (auto r = sync_metadata(look, look.stable, stable); !r) return std::unexpected(r.error());
  for (const auto& other : look.others())
    if (auto r = sync_metadata(look, other, Value()); !r) return std::unexpected(r.error());
  return Next::kGoOn;
}

}  // namespace fairlead::control
