// JSON patch, RFC 6902.
#pragma once

#include "base/error.h"
#include "base/value.h"

namespace fairlead::api {

inline constexpr std::size_t kMaxJsonPatchOperations = 10'000;  ///< As kube-apiserver's limit.

/// `target` after all operations of `patch`, an array, in order; nothing is changed when one fails.
[[nodiscard]] Result<Value> json_patch(Value target, const Value& patch);

}  // namespace fairlead::api
