// Conditions, counts and times in a status tree.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "base/value.h"
#include "engine/api/conditions.h"

namespace fairlead::control {

using api::condition_called;
using api::condition_holds;
using api::condition_in;

/// Adds or changes a condition. lastTransitionTime moves only when the condition's status changes; an equal condition
/// is left as it is. True when something changed. Source: k8s.io/apimachinery/pkg/api/meta/conditions.go.
bool set_condition(Value& status, std::string_view type, std::string_view holds, std::string_view reason,
                   std::string_view message, Time now);

/// The same with the lastUpdateTime that Deployments and Rollouts have: an equal status and reason leave it as it is,
/// whatever the message. What changed stands last.
bool set_updated_condition(Value& status, std::string_view type, std::string_view holds, std::string_view reason,
                           std::string_view message, Time now);

/// Puts `condition` where one of its type stands, or at the end.
void put_condition(Value& status, Value condition);

/// Removes a condition; false when there was none.
bool drop_condition(Value& status, std::string_view type);

/// Counts of zero are left out, as upstream's `omitempty` leaves them out.
void set_count(Value& status, std::string_view field, std::int64_t count);

/// The time that stands there; nothing for anything else.
[[nodiscard]] std::optional<Time> time_at(const Value& value);

}  // namespace fairlead::control
