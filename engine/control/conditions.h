// Conditions in a status tree.
#pragma once

#include <string_view>

#include "base/time.h"
#include "base/value.h"

namespace fairlead::control {

/// The element of `status.conditions` with this type; the null node when there is none.
[[nodiscard]] const Value& condition_called(const Value& status, std::string_view type);

/// "True" in `status.conditions`.
[[nodiscard]] bool condition_holds(const Value& status, std::string_view type);

/// Adds or changes a condition. lastTransitionTime moves only when the condition's status changes; an equal condition
/// is left as it is. True when something changed. Source: k8s.io/apimachinery/pkg/api/meta/conditions.go.
bool set_condition(Value& status, std::string_view type, std::string_view holds, std::string_view reason,
                   std::string_view message, Time now);

/// Puts `condition` where one of its type stands, or at the end.
void put_condition(Value& status, Value condition);

/// Removes a condition; false when there was none.
bool drop_condition(Value& status, std::string_view type);

}  // namespace fairlead::control
