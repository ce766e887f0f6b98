// JSON patch, RFC 6902.
#pragma once

#include "base/error.h"
#include "base/value.h"

namespace fairlead::api {

/// Source: apiserver/pkg/endpoints/handlers/patch.go, maxJSONPatchOperations.
inline constexpr std::size_t kMaxJsonPatchOperations = 10'000;
/// What all `copy` operations together may copy, as JSON. Source: apiserver/pkg/server/config.go,
/// JSONPatchMaxCopyBytes, which becomes AccumulatedCopySizeLimit of evanphx/json-patch.
inline constexpr std::size_t kMaxJsonPatchCopyBytes = std::size_t{3} * 1024 * 1024;
/// Members and elements that all operations together may look at or move: a few tenths of a second. Ours, upstream has
/// threads to spare; as many operations as there may be on lists or objects of two thousand each fit in.
inline constexpr std::size_t kMaxJsonPatchWork = 20'000'000;

/// `target` after all operations of `patch`, an array, in order; nothing is changed when one fails. Over one of the
/// limits above, or where the result would be nested deeper than kMaxJsonDepth, the patch fails.
[[nodiscard]] Result<Value> json_patch(Value target, const Value& patch);

}  // namespace fairlead::api
