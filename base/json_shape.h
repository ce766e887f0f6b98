// What two trees are compared and measured by, without comparing them node by node.
#pragma once

#include <cstddef>
#include <string>

#include "base/value.h"

namespace fairlead {

struct JsonShape {
  std::size_t depth = 0;  ///< Levels of arrays and objects: 0 for a scalar, 1 for `{}`. kMaxJsonDepth limits it.
  std::size_t nodes = 1;  ///< The value itself and everything in it.
};
[[nodiscard]] JsonShape json_shape(const Value& value);

/// A text that two values share exactly when they are equal as data: member order does not count, 1 and 1.0 are one
/// number. To look equal values up in a map or a set instead of comparing each with each.
[[nodiscard]] std::string canonical_json(const Value& value);

}  // namespace fairlead
