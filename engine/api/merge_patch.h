// JSON merge patch, RFC 7386.
#pragma once

#include "base/value.h"

namespace fairlead::api {

/// `target` changed by `patch`: members that are null in the patch go, objects merge, anything else replaces.
[[nodiscard]] Value merge_patch(Value target, const Value& patch);

}  // namespace fairlead::api
