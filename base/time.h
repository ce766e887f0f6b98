// Points in time and spans as Kubernetes writes them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"

namespace fairlead {

using Duration = std::chrono::milliseconds;
/// UTC, without leap seconds.
using Time = std::chrono::sys_time<Duration>;

/// "2026-11-23T10:05:00Z": metav1.Time, whole seconds, rounded down.
[[nodiscard]] std::string format_time(Time t);
/// "2026-11-23T10:05:00.123000Z": metav1.MicroTime.
[[nodiscard]] std::string format_micro_time(Time t);
/// RFC 3339 with any offset and fraction.
[[nodiscard]] Result<Time> parse_time(std::string_view text);

/// Go's time.ParseDuration ("1m30s", "250ms", "1.5h"); also what Argo and Gateway API fields hold.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
/// Go's Duration.String: "1m30s".
[[nodiscard]] std::string format_duration(Duration d);
/// kubectl's age column (k8s.io/apimachinery/pkg/util/duration.HumanDuration): "5s", "3m20s", "4h", "2d3h".
[[nodiscard]] std::string human_duration(Duration d);

}  // namespace fairlead
