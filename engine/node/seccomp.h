// The seccomp profile behind `seccompProfile: {type: RuntimeDefault}`.
#pragma once

#include "base/value.h"

namespace fairlead::node {

/// Denies, with EPERM, the system calls that container runtimes' default profiles deny: those that reach the kernel's
/// modules, clocks, mounts, namespaces, keys, tracing and raw devices.
[[nodiscard]] const Value& default_seccomp();

}  // namespace fairlead::node
