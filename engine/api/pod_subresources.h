// The verbs that only pods have: binding to a node and eviction.
#pragma once

#include "engine/api/api.h"

namespace fairlead::api {

/// What pods/binding does: sets spec.nodeName and the condition PodScheduled. 409 when it is bound already.
[[nodiscard]] ApiResult<> bind_pod(const Resource& resource, const Value& binding, Time now, Value& pod);

/// Whether pods/eviction may delete `pod` now: 429 when a PodDisruptionBudget forbids it, 500 when several select it.
/// A budget that allows it counts the disruption. Source: pkg/registry/core/pod/storage/eviction.go.
[[nodiscard]] ApiResult<> admit_eviction(Api& api, const Object& pod, bool dry_run);
/// Says in the pod's conditions why it ends, before it is deleted.
[[nodiscard]] ApiResult<> mark_evicted(Api& api, const Key& pod);

}  // namespace fairlead::api
