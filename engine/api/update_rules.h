// What a PUT may do to which kinds.
#pragma once

#include "engine/api/schema.h"

namespace fairlead::api {

/// An update must say which revision it replaces. Source: the strategies whose AllowUnconditionalUpdate is false, in
/// k8s.io/kubernetes/pkg/registry and apiextensions-apiserver/pkg/registry.
[[nodiscard]] bool wants_revision(const Resource& resource);

/// An update of an object that does not exist creates it. Source: the strategies whose AllowCreateOnUpdate is true.
[[nodiscard]] bool created_by_update(const Resource& resource);

}  // namespace fairlead::api
