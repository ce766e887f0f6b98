// The scale subresource: autoscaling/v1 Scale over kinds that have replicas.
// Source of custom kinds: apiextensions-apiserver/pkg/registry/customresource/etcd.go, ScaleREST.
#pragma once

#include "engine/api/object.h"
#include "engine/api/status.h"

namespace fairlead::api {

/// The Scale of `object` by the paths of `written`, the version of its kind that is spoken. Without spec.replicas where
/// the object has none.
[[nodiscard]] Value scale_of(const Resource& written, const Object& object);
/// Why there is no Scale to show: 500 when the object does not say how many replicas it wants.
[[nodiscard]] ApiResult<> check_scalable(const Resource& written, const Object& object);
/// Writes the replicas of `scale` into `object`.
[[nodiscard]] ApiResult<> apply_scale(const Resource& written, const Value& scale, Value& object);

/// The node at the end of ".status.replicas"; the null node where there is none.
[[nodiscard]] const Value& node_at(const Value& tree, std::string_view dotted);

}  // namespace fairlead::api
