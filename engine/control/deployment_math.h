// Numbers of a Deployment's rollout. Source: pkg/controller/deployment/util/deployment_util.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/object.h"

namespace fairlead::control {

inline constexpr std::string_view kRevision = "deployment.kubernetes.io/revision";
inline constexpr std::string_view kRevisionHistory = "deployment.kubernetes.io/revision-history";
inline constexpr std::string_view kDesiredReplicas = "deployment.kubernetes.io/desired-replicas";
inline constexpr std::string_view kMaxReplicas = "deployment.kubernetes.io/max-replicas";

/// An integer or a percentage of `total`. Source: k8s.io/apimachinery/pkg/util/intstr, GetScaledValueFromIntOrPercent.
[[nodiscard]] std::int64_t scaled_value(const Value& int_or_percent, std::int64_t total, bool round_up);

struct Fenceposts {
  std::int64_t surge = 0;
  std::int64_t unavailable = 0;
};
/// maxSurge and maxUnavailable in pods; 0/0 for Recreate. Both zero becomes one unavailable.
[[nodiscard]] Fenceposts fenceposts(const Value& deployment);

[[nodiscard]] bool is_rolling_update(const Value& deployment);
[[nodiscard]] bool has_progress_deadline(const Value& deployment);

/// spec.replicas of a Deployment or ReplicaSet.
[[nodiscard]] std::int64_t replicas_of(const Value& object);
[[nodiscard]] std::int64_t sum_of_replicas(const std::vector<api::ObjectPtr>& sets);
/// Sum of a number in the status of each.
[[nodiscard]] std::int64_t sum_of_status(const std::vector<api::ObjectPtr>& sets, std::string_view field);
/// The number in an annotation; nothing when it is absent or no number.
[[nodiscard]] std::optional<std::int64_t> number_annotation(const api::Object& set, std::string_view annotation);

/// "1,2,3" and a further revision, the oldest dropped when it grows too long; Rollouts keep theirs the same way.
[[nodiscard]] std::string longer_history(std::string history, const std::string& revision);

/// How large the new ReplicaSet may be now, when it may only grow.
[[nodiscard]] std::int64_t new_set_size(const Value& deployment, std::int64_t all_pods, std::int64_t new_set_pods);

/// The share of `to_add` (which may be negative) that one ReplicaSet gets when `added` are given away already.
[[nodiscard]] std::int64_t proportion(const api::Object& set, const Value& deployment, std::int64_t to_add,
                                      std::int64_t added);

}  // namespace fairlead::control
