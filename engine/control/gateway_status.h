// Conditions of Gateway API objects: metav1.Condition with observedGeneration.
#pragma once

#include <string>

#include "base/time.h"
#include "base/value.h"

namespace fairlead::control {

/// Whether something holds, why, and what a person should know. Without a message the reason says it all.
struct ConditionVerdict {
  bool holds = true;
  std::string reason;
  std::string message;
};

/// A condition of `type`; lastTransitionTime is that of the same condition in the list `before` while its status stays.
[[nodiscard]] Value gateway_condition(std::string_view type, const ConditionVerdict& verdict, std::int64_t generation,
                                      const Value& before, Time now);

}  // namespace fairlead::control
