// How many pods the canary and the stable ReplicaSet of a Rollout should have. Pure arithmetic over a few numbers.
// Source: argo-rollouts/utils/replicaset/canary.go and rollout/trafficrouting.go; checked against rows recorded from
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/value.h"

namespace fairlead::control {

/// One ReplicaSet: spec.replicas, status.availableReplicas, status.replicas.
struct ReplicaCounts {
  std::int32_t desired = 0;
  std::int32_t available = 0;
  std::int32_t created = 0;
};

/// setCanaryScale: at most one of the three is used, in this order.
struct CanaryScale {
  std::optional<std::int32_t> replicas;
  std::optional<std::int32_t> weight;
  bool match_traffic_weight = false;
};

/// What a step says about weight and scale; steps of other kinds have neither.
struct CanaryStep {
  std::optional<std::int32_t> set_weight;
  std::optional<CanaryScale> scale;

  [[nodiscard]] static CanaryStep of(const Value& step);
};

/// replicaProgressThreshold: a percentage of the wanted pods, or a number of them.
struct ProgressThreshold {
  bool percent = false;
  std::int32_t value = 0;
};

/// Shares of the traffic, of CanaryFacts::max_weight.
struct TrafficShares {
  std::int32_t canary = 0;
  std::int32_t stable = 0;
};

/// maxSurge and maxUnavailable in pods.
struct Fences {
  std::int32_t surge = 0;
  std::int32_t unavailable = 0;

  /// From integers, percentages or absent values (25 %). Surge rounds up, unavailable down; both 0 becomes one
  /// unavailable. A string without % is a percentage too, as upstream reads it.
  [[nodiscard]] static Fences resolve(const Value& max_surge, const Value& max_unavailable, std::int32_t replicas);
};

struct CanaryFacts {
  std::int32_t replicas = 1;
  std::int32_t max_weight = 100;
  Fences fences;
  bool routed = false;  ///< trafficRouting is set.
  bool dynamic_stable_scale = false;
  std::optional<std::int32_t> min_pods;
  bool abort_keeps_canary = false;  ///< abortScaleDownDelaySeconds: 0.
  std::optional<ProgressThreshold> threshold;
  std::vector<CanaryStep> steps;

  bool aborted = false;
  bool promote_full = false;
  std::optional<std::int32_t> step_index;  ///< status.currentStepIndex.
  bool has_stable = false;                 ///< status.stableRS is set.
  bool fully_promoted = false;             ///< status.stableRS is status.currentPodHash.

  std::optional<ReplicaCounts> canary;
  std::optional<ReplicaCounts> stable;
  bool stable_is_canary = false;  ///< `stable` and `canary` are the same ReplicaSet.
  std::int32_t other_desired = 0;
  std::int32_t other_available = 0;

  /// The step that is under way; nothing after the last one or without steps.
  [[nodiscard]] std::optional<std::size_t> current_step() const;
};

struct CanaryCounts {
  std::int32_t canary = 0;
  std::int32_t stable = 0;
  friend bool operator==(const CanaryCounts&, const CanaryCounts&) = default;
};

/// The weight of the nearest setWeight at or before the current step: 0 before the first, the maximum after the last
/// step, 0 when aborted.
[[nodiscard]] std::int32_t current_set_weight(const CanaryFacts& facts);
/// The same, except that an aborted Rollout with dynamicStableScale walks its weights backwards.
[[nodiscard]] std::int32_t desired_canary_weight(const CanaryFacts& facts);

/// Replicas for both sides now. `in_force` are the shares that traffic has; only dynamicStableScale asks for them.
[[nodiscard]] CanaryCounts wanted_counts(const CanaryFacts& facts, const std::optional<TrafficShares>& in_force);
/// Whether pods have arrived where `wanted_counts` wants them.
[[nodiscard]] bool counts_reached(const CanaryFacts& facts, const std::optional<TrafficShares>& in_force);
/// Whether enough of `wanted` pods are available for the rollout to go on.
[[nodiscard]] bool enough_available(const CanaryFacts& facts, const std::optional<ReplicaCounts>& counts,
                                    std::int32_t wanted);

/// The canary's weight while traffic goes back to stable: after an abort, or a rollback to stable in mid-rollout.
[[nodiscard]] std::int32_t weight_in_retreat(const CanaryFacts& facts, const std::optional<TrafficShares>& in_force);

}  // namespace fairlead::control
