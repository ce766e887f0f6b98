// How a node's report becomes a pod's status.
#pragma once

#include "base/time.h"
#include "base/value.h"

namespace fairlead::control {

/// Replaces in `status` what the kubelet owns with what `reported` says; conditions of others stay.
/// Source: pkg/kubelet/status/status_manager.go, mergePodStatus.
void merge_pod_status(Value& status, const Value& reported);

/// The status of a pod that this life of the engine has not started yet: nothing runs, so nothing is Ready. Restart
/// counts stay.
void mark_not_running(Value& status, Time now);

/// The status of a pod whose `container` cannot be created for want of something it refers to.
void mark_config_error(Value& status, const Value& pod, std::string_view container, std::string_view message, Time now);

/// The status of a pod that waits for a volume.
void mark_creating(Value& status, const Value& pod, Time now);

}  // namespace fairlead::control
