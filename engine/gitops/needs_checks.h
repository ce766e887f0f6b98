// Whether what services need is there: the services they call, the containers and queues they are granted.
#pragma once

#include <vector>

#include "base/error.h"
#include "engine/gitops/environment_sources.h"

namespace fairlead::gitops {

void check_needs(const EnvironmentSources& sources, std::vector<Error>& errors);

}  // namespace fairlead::gitops
