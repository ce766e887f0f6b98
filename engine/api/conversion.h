// Between the version of a kind that is stored and the others that are served.
#pragma once

#include <string>

#include "engine/api/object.h"

namespace fairlead::api {

/// `tree` of the storage resource, as `served` shows it. For most kinds only apiVersion differs; events.k8s.io/v1 and
/// core v1 Events, and autoscaling/v1 and v2 HorizontalPodAutoscalers, name their fields differently. Sources:
/// k8s.io/kubernetes/pkg/apis/events/v1/conversion.go, pkg/apis/autoscaling/v1/conversion.go.
[[nodiscard]] Value to_served(const Resource& served, Value tree);
/// The way back: what a client sent as `served`, as the storage resource holds it.
[[nodiscard]] Value to_storage(const Resource& served, Value tree);

/// True when `served` names fields differently from what is stored.
[[nodiscard]] bool has_own_fields(const Resource& served);

/// Appends the object as `served` shows it; the memoised JSON where that is what is stored.
void append_served_json(std::string& out, const Resource& served, const Object& object);

}  // namespace fairlead::api
