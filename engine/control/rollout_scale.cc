// Scaling the ReplicaSets of a Rollout, and the delays before one goes down.
// Source: argo-rollouts/rollout/canary.go, replicaset.go, sync.go.
#include <algorithm>
#include <tuple>
#include <utility>

#include "engine/control/delivery_names.h"
#include "engine/control/rollout_look.h"
#include "engine/control/rollout_status.h"

namespace fairlead::control {
namespace {

constexpr Duration kDefaultScaleDownDelay = std::chrono::seconds(30);

std::optional<Time> deadline_of(const api::Object& replica_set) {
  const auto time = parse_time(replica_set.annotation(kScaleDownDeadlineAnnotation));
  return time ? std::optional(*time) : std::nullopt;
}

bool has_deadline(const api::ObjectPtr& replica_set) {
  return replica_set && !replica_set->annotation(kScaleDownDeadlineAnnotation).empty();
}

Result<> set_deadline(RolloutLook& look, const api::ObjectPtr& replica_set, std::optional<Duration> delay) {
  const auto written = look.in.api.mutate(replica_set->key(), api::Subresource::kNone, [&](Value& tree) {
    Value& annotations = tree.make("metadata", "annotations");
    if (delay) {
      annotations.set(kScaleDownDeadlineAnnotation, format_time(look.now + *delay));
    } else if (annotations.is_object()) {
      annotations.erase(kScaleDownDeadlineAnnotation);
    }
  });
  if (!written) return fail("{}", written.error().message);
  look.replace(*written);
  return {};
}

/// What abortScaleDownDelaySeconds says: nothing when the canary is to stay up for ever.
struct AbortDelay {
  std::optional<Duration> delay = kDefaultScaleDownDelay;
  bool written = false;
};

AbortDelay abort_delay(const RolloutLook& look) {
  const Value& seconds = look.strategy().at("abortScaleDownDelaySeconds");
  if (!seconds.is_int()) return {};
  if (seconds.int_or(0) == 0) return {std::nullopt, true};
  return {std::chrono::seconds(seconds.int_or(0)), true};
}

/// Whether an aborted canary keeps its pods for a while before it goes.
bool delays_abort(const RolloutLook& look) {
  if (!look.aborted() || !look.stable || !look.routed()) return false;
  const AbortDelay delay = abort_delay(look);
  if (!delay.delay) return false;
  return delay.written || !look.strategy().at("dynamicStableScale").bool_or(false);
}

bool annotations_stale(const RolloutLook& look, const api::Object& replica_set) {
  if (replica_set.annotation(kDesiredReplicasAnnotation) != std::to_string(look.replicas())) return true;
  return look.replicas() == 0 && !replica_set.annotation(kScaleDownDeadlineAnnotation).empty();
}

/// Sets spec.replicas and notes the Rollout's own; true when the size changed.
Result<bool> scale(RolloutLook& look, const api::ObjectPtr& replica_set, std::int32_t wanted) {
  const std::int32_t before = desired_replicas(*replica_set);
  if (before == wanted && !annotations_stale(look, *replica_set)) return false;
  const auto written = look.in.api.mutate(replica_set->key(), api::Subresource::kNone, [&](Value& tree) {
    tree["spec"].set("replicas", wanted);
    Value& annotations = tree.make("metadata", "annotations");
    annotations.set(kDesiredReplicasAnnotation, std::to_string(look.replicas()));
    if (wanted == 0 && !delays_abort(look)) annotations.erase(kScaleDownDeadlineAnnotation);
  });
  if (!written) return fail("{}", written.error().message);
  look.replace(*written);
  if (before == wanted) return false;
  look.note("ScalingReplicaSet",
            fmt::format("Scaled {} ReplicaSet {} (revision {}) from {} to {}", before < wanted ? "up" : "down",
                        (*written)->name(), revision_of(**written), before, wanted));
  return true;
}

/// ReplicaSets that are in use again do not go down.
Result<> forget_deadlines(RolloutLook& look) {
  if (!delays_abort(look) && has_deadline(look.canary))
    if (auto r = set_deadline(look, look.canary, std::nullopt); !r) return r;
  if (has_deadline(look.stable) && !(look.canary && look.stable->name() == look.canary->name()))
    return set_deadline(look, look.stable, std::nullopt);
  return {};
}

Result<bool> scale_stable(RolloutLook& look) {
  if (!look.stable || (look.canary && look.stable->name() == look.canary->name())) return false;
  // By the weights of the stored status: at the end of the steps traffic moves first, and stable only afterwards.
  return scale(look, look.stable, wanted_counts(look.facts(), shares_of(look.old_status())).stable);
}

/// The canary of an aborted update: it waits until stable carries everything, then for its deadline.
Result<std::optional<std::int32_t>> aborted_canary_size(RolloutLook& look, std::int32_t wanted) {
  const std::int32_t keep = desired_replicas(*look.canary);
  const auto hold = [&]() -> Result<std::optional<std::int32_t>> {
    if (auto r = scale(look, look.canary, keep); !r) return std::unexpected(r.error());
    return std::optional<std::int32_t>();
  };
  if (has_deadline(look.canary)) {
    const auto deadline = deadline_of(*look.canary);
    if (!deadline) return std::optional(wanted);
    if (*deadline <= look.now) return std::optional(0);
    // A trap of upstream's, which rollout_warnings tells of: what its periodic look comes to before is not held.
    if (*deadline - look.now > kResyncPeriod) return std::optional(wanted);
    look.look_again(*deadline - look.now);
    return hold();
  }
  const AbortDelay delay = abort_delay(look);
  if (auto held = hold(); !held) return held;
  if (available_replicas(*look.stable) >= look.replicas())
    if (auto r = set_deadline(look, look.canary, delay.delay); !r) return std::unexpected(r.error());
  return std::optional<std::int32_t>();
}

Result<bool> scale_canary(RolloutLook& look) {
  if (!look.canary) return false;
  std::int32_t wanted = wanted_counts(look.facts(), shares_of(look.status)).canary;
  if (delays_abort(look)) {
    auto size = aborted_canary_size(look, wanted);
    if (!size) return std::unexpected(size.error());
    if (!*size) return false;
    wanted = **size;
  }
  return scale(look, look.canary, wanted);
}

bool referenced(const RolloutLook& look, const api::ObjectPtr& replica_set) {
  const std::string_view hash = pod_hash_of(replica_set);
  if (hash.empty()) return false;
  const Value& weights = look.old_status().at("canary", "weights");
  for (const std::string_view each :
       {look.stable_hash(), look.pod_hash(), weights.at("canary", "podTemplateHash").str(),
        weights.at("stable", "podTemplateHash").str()})
    if (each == hash) return true;
  for (const std::string_view field : {"canaryService", "stableService"}) {
    const auto service = look.in.api.get(look.in.services, look.rollout->ns(), look.strategy().at(field).str());
    if (service && service->at("spec", "selector", kPodHashLabel).str() == hash) return true;
  }
  return false;
}

/// How many pods the previous stable keeps: all until its deadline, which it gets here.
Result<std::int32_t> size_until_deadline(RolloutLook& look, const api::ObjectPtr& replica_set, std::int64_t& kept) {
  const std::int64_t most = look.strategy().at("scaleDownDelayRevisionLimit").int_or(INT32_MAX);
  const std::int32_t size = desired_replicas(*replica_set);
  if (has_deadline(replica_set)) {
    const auto deadline = deadline_of(*replica_set);
    if (++kept > most || !deadline || *deadline <= look.now) return 0;
    look.look_again(*deadline - look.now);
    return size;
  }
  const Duration delay = std::chrono::seconds(
      look.strategy().at("scaleDownDelaySeconds").int_or(kDefaultScaleDownDelay / std::chrono::seconds(1)));
  if (size == 0 || kept >= most) return 0;
  ++kept;
  // A trap of upstream's, which rollout_warnings tells of: 0 is no deadline, so the pods stay for ever.
  if (delay <= Duration(0)) return size;
  if (auto r = set_deadline(look, replica_set, delay); !r) return std::unexpected(r.error());
  look.look_again(delay);
  return size;
}

/// Pods of older ReplicaSets that are not available anyway go first and need no room. Nothing while one of them has
/// more pods than it was told to have: it is on its way down, and what it still has counts for nobody.
Result<std::optional<std::int32_t>> drop_unhealthy(RolloutLook& look, const std::vector<api::ObjectPtr>& old) {
  const auto surplus_of = [](const api::ObjectPtr& each) {
    return desired_replicas(*each) - available_replicas(*each);
  };
  if (std::ranges::any_of(old, [&](const api::ObjectPtr& each) { return surplus_of(each) < 0; })) return std::nullopt;
  std::int32_t dropped = 0;
  for (const auto& each : old) {
    const std::int32_t surplus = surplus_of(each);
    if (surplus == 0) continue;
    if (auto r = scale(look, each, available_replicas(*each)); !r) return std::unexpected(r.error());
    dropped += surplus;
  }
  return std::optional(dropped);
}

Result<std::int32_t> wanted_of_other(RolloutLook& look, const api::ObjectPtr& each, std::int32_t room,
                                     std::int64_t& kept) {
  if (!look.routed()) return std::max(0, desired_replicas(*each) - room);
  // Neither stable nor canary nor on its way out: a version that was replaced in mid-update. Nothing is sent to it.
  if (!look.fully_promoted() && !has_deadline(each)) return 0;
  if (look.strategy().at("dynamicStableScale").bool_or(false)) return 0;
  return size_until_deadline(look, each, kept);
}

Result<bool> scale_others(RolloutLook& look) {
  std::vector<api::ObjectPtr> old;
  for (const auto& each : look.others())
    if (desired_replicas(*each) > 0) old.push_back(each);
  if (old.empty()) return false;
  const auto dropped = drop_unhealthy(look, old);
  if (!dropped) return std::unexpected(dropped.error());
  if (!*dropped) return false;
  std::int32_t total = **dropped;
  std::int32_t available = 0;
  for (const auto& each : look.all) available += available_replicas(*each);
  std::int32_t room = available - (look.replicas() - look.facts().fences.unavailable);
  if (room <= 0) return false;

  std::erase_if(old, [&](api::ObjectPtr& each) {
    each = look.in.api.get(each->key());
    return each == nullptr;
  });
  std::ranges::sort(old, [](const api::ObjectPtr& a, const api::ObjectPtr& b) {
    return std::tuple(revision_of(*a), creation_of(*a), a->name()) >
           std::tuple(revision_of(*b), creation_of(*b), b->name());
  });
  std::int64_t kept = 0;
  for (const auto& each : old) {
    if (look.routed() && referenced(look, each)) continue;
    if (room <= 0) break;
    const std::int32_t size = desired_replicas(*each);
    if (size == 0) continue;
    const auto wanted = wanted_of_other(look, each, room, kept);
    if (!wanted) return std::unexpected(wanted.error());
    if (*wanted == size) continue;
    if (auto r = scale(look, each, *wanted); !r) return std::unexpected(r.error());
    room -= size - *wanted;
    total += size - *wanted;
  }
  return total > 0;
}

}  // namespace

Result<Next> scale_replica_sets(RolloutLook& look) {
  if (!look.halt_reason().empty()) return Next::kGoOn;
  if (auto r = forget_deadlines(look); !r) return std::unexpected(r.error());
  for (const auto step : {scale_stable, scale_canary, scale_others}) {
    const auto scaled = step(look);
    if (!scaled) return std::unexpected(scaled.error());
    if (*scaled) return Next::kWriteStatus;
  }
  return Next::kGoOn;
}

/// spec.replicas changed: sizes follow at once, and nothing else moves in this pass.
Result<Next> follow_scale(RolloutLook& look) {
  bool changed = false;
  for (const auto& each : {look.canary, look.stable}) {
    if (!each || desired_replicas(*each) == 0) continue;
    const std::string_view noted = each->annotation(kDesiredReplicasAnnotation);
    if (!noted.empty() && noted != std::to_string(look.replicas())) changed = true;
  }
  if (!changed) return Next::kGoOn;
  if (auto r = scale_replica_sets(look); !r) return r;
  set_availability(look);
  if (auto r = write_status(look); !r) return std::unexpected(r.error());
  return Next::kStop;
}

}  // namespace fairlead::control
