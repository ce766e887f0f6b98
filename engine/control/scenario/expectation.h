// One `expect` item of a scenario, held against the cluster as it is now.
#pragma once

#include <optional>
#include <string>

#include "engine/control/scenario/virtual_cluster.h"

namespace fairlead::control {

/// Nothing when it holds, else a sentence. An error when the item itself makes no sense.
[[nodiscard]] Result<std::optional<std::string>> unmet(VirtualCluster& cluster, const Value& expectation);

}  // namespace fairlead::control
