// Reading conditions; engine/control/conditions.h writes them.
#pragma once

#include <string_view>

#include "base/value.h"

namespace fairlead::api {

/// The element of a list of conditions with this type; the null node when there is none.
[[nodiscard]] const Value& condition_in(const Value& conditions, std::string_view type);

/// The same of `status.conditions`.
[[nodiscard]] const Value& condition_called(const Value& status, std::string_view type);

/// "True" in `status.conditions`.
[[nodiscard]] bool condition_holds(const Value& status, std::string_view type);

}  // namespace fairlead::api
