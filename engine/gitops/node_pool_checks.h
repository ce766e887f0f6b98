// Whether AKS would take the node pools of an environment.
#pragma once

#include <vector>

#include "engine/gitops/environment_sources.h"

namespace fairlead::gitops {

/// Adds what is wrong with nodePools. Wants a document that fits environment_rule().
/// Source: learn.microsoft.com/azure/aks/use-system-pools, "System and user node pools"; outside of prod a system pool
/// may be smaller than it says, which AKS takes and does not support.
void check_node_pools(const EnvironmentSources& sources, std::vector<Error>& errors);

}  // namespace fairlead::gitops
