// The seccomp profile behind `seccompProfile: {type: RuntimeDefault}`.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "base/value.h"

namespace fairlead::node {

/// Denies, with EPERM, the system calls that container runtimes' default profiles deny: those that reach the kernel's
/// modules, clocks, mounts, namespaces, keys, tracing and raw devices.
[[nodiscard]] const Value& default_seccomp();
/// The same as the kernel takes it, for a process that no runtime starts.
[[nodiscard]] const std::vector<sock_filter>& default_seccomp_filter();

}  // namespace fairlead::node
