// The scale subresource: autoscaling/v1 Scale over kinds that have replicas.
#pragma once

#include "engine/api/object.h"
#include "engine/api/status.h"

namespace fairlead::api {

/// The Scale of `object`, whose kind has the subresource.
[[nodiscard]] Value scale_of(const Object& object);
/// Writes the replicas of `scale` into `object`.
[[nodiscard]] ApiResult<> apply_scale(const Resource& resource, const Value& scale, Value& object);

}  // namespace fairlead::api
