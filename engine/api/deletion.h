// How an object goes: grace, finalizers, and what becomes of its dependents.
// Source: k8s.io/apiserver/pkg/registry/rest/delete.go and generic/registry/store.go.
#pragma once

#include "engine/api/api.h"

namespace fairlead::api {

inline constexpr std::int64_t kDefaultPodGraceSeconds = 30;
inline constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";
inline constexpr std::string_view kOrphanFinalizer = "orphan";

/// Edits `object`, a copy of the stored one, as a deletion leaves it: deletionTimestamp, grace, propagation finalizers.
void begin_deletion(const Resource& resource, const DeleteOptions& options, Time now, Value& object);

/// Whether nothing holds an object back any more: it has a deletionTimestamp, its grace is over, no finalizers are
/// left.
[[nodiscard]] bool deletion_complete(const Resource& resource, const Value& object);

}  // namespace fairlead::api
