// What time it is, and how long until another.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace fairlead::node {

/// As statuses of pods write it.
[[nodiscard]] inline Time now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

/// Zero when it has passed.
[[nodiscard]] inline Duration left_until(std::chrono::steady_clock::time_point moment) {
  return std::max(std::chrono::ceil<Duration>(moment - std::chrono::steady_clock::now()), Duration{0});
}

}  // namespace fairlead::node
