// What others conclude from a pod's status.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "engine/api/object.h"

namespace fairlead::control {

/// Succeeded or Failed: it will not run again.
[[nodiscard]] bool pod_is_terminal(const Value& pod);
/// Neither terminal nor on its way out. Source: pkg/controller/controller_utils.go, IsPodActive.
[[nodiscard]] bool pod_is_active(const Value& pod);
[[nodiscard]] bool pod_is_ready(const Value& pod);
/// Ready for at least `min_ready`. Source: pkg/api/v1/pod/util.go, IsPodAvailable.
[[nodiscard]] bool pod_is_available(const Value& pod, Duration min_ready, Time now);
/// How long until a Ready pod is available; nothing when it is, or is not Ready.
[[nodiscard]] std::optional<Duration> until_available(const Value& pod, Duration min_ready, Time now);
/// "Guaranteed", "Burstable" or "BestEffort". Source: pkg/apis/core/v1/helper/qos/qos.go, ComputePodQOS.
[[nodiscard]] std::string_view pod_qos_class(const Value& pod);
/// When the Ready condition last changed; the epoch when it never did.
[[nodiscard]] Time pod_ready_since(const Value& pod);

}  // namespace fairlead::control
