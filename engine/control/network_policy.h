// NetworkPolicies as what each pod may receive and send. Pure.
#pragma once

#include <vector>

#include "engine/api/object.h"
#include "engine/seam/network.h"

namespace fairlead::control {

/// The policies of every pod that has an address and is selected by some policy, sorted by namespace and name. Pods on
/// the host's network and pods that have ended take no part.
/// Source: k8s.io/api/networking/v1, NetworkPolicySpec; the conformance of k8s.io/kubernetes/test/e2e/network/netpol.
[[nodiscard]] std::vector<seam::PodPolicy> compile_policies(const std::vector<api::ObjectPtr>& policies,
                                                            const std::vector<api::ObjectPtr>& pods,
                                                            const std::vector<api::ObjectPtr>& namespaces);

}  // namespace fairlead::control
