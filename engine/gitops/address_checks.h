// Whether the networks of an environment fit: their sizes, the Gateway's address, and that no two overlap.
#pragma once

#include <vector>

#include "base/error.h"
#include "engine/gitops/environment_sources.h"

namespace fairlead::gitops {

void check_addresses(const EnvironmentSources& sources, std::vector<Error>& errors);

}  // namespace fairlead::gitops
