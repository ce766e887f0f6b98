// What no single key's declaration can say: how the parts of an environment fit together, and with the other
// environments.
#pragma once

#include <vector>

#include "base/error.h"
#include "engine/gitops/environment_sources.h"

namespace fairlead::gitops {

/// Every violation, each with file and line. The sources have passed their declarations.
[[nodiscard]] std::vector<Error> check_environment(const EnvironmentSources& sources);

}  // namespace fairlead::gitops
