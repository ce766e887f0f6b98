// The machine as a v1.NodeStatus.
#pragma once

#include <string>

#include "base/value.h"

namespace fairlead::node {

/// Capacity, allocatable (capacity less what the engine itself keeps), addresses, nodeInfo and the conditions a node
/// has beside Ready. `directory` stands for its disk.
[[nodiscard]] Value machine_status(const std::string& name, const std::string& directory);

}  // namespace fairlead::node
