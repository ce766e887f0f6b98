// Makers of the controllers between a Deployment and a running container. Semantics are upstream's, pkg/controller/* of
// kubernetes v1.36; each source names the functions that it follows. Whatever is passed by reference outlives the
// result.
#pragma once

#include <memory>
#include <vector>

#include "engine/api/api.h"
#include "engine/control/controllers.h"
#include "engine/control/reconciler.h"
#include "engine/seam/node.h"

namespace fairlead::control {

/// Deployment: ReplicaSets per revision, RollingUpdate and Recreate, pause, rollback by template, progress deadline.
[[nodiscard]] std::unique_ptr<Reconciler> make_deployment_controller(api::Api& api);
/// ReplicaSet: keeps the wanted number of pods.
[[nodiscard]] std::unique_ptr<Reconciler> make_replica_set_controller(api::Api& api);
/// PodDisruptionBudget: status only; evictions are judged by the API.
[[nodiscard]] std::unique_ptr<Reconciler> make_disruption_controller(api::Api& api);
/// Gives each pending pod a node.
[[nodiscard]] std::unique_ptr<Reconciler> make_scheduler(api::Api& api);
/// The Node object of each machine, and its heartbeat.
[[nodiscard]] std::unique_ptr<Reconciler> make_node_controller(api::Api& api, std::vector<seam::Node*> nodes);
/// Taints nodes by their conditions, so that no pod goes where nobody would run it.
[[nodiscard]] std::unique_ptr<Reconciler> make_node_lifecycle_controller(api::Api& api);
/// Deletes pods from nodes with a taint that they do not tolerate, or no longer.
[[nodiscard]] std::unique_ptr<Reconciler> make_taint_eviction_controller(api::Api& api);
/// Adds the admission step "default-tolerations": pods that do not say how long they stay on a node that is not ready
/// or unreachable stay five minutes.
void add_default_tolerations_admission(api::Api& api);
/// The kubelet's part: runs the pods of `nodes`, reports their status, and ends them. It wakes itself through `manager`
/// when a node reports.
[[nodiscard]] std::unique_ptr<Reconciler> make_pod_controller(api::Api& api, Manager& manager,
                                                              std::vector<seam::Node*> nodes, TokenIssuer issue_token);
/// EndpointSlices of Services with a selector.
[[nodiscard]] std::unique_ptr<Reconciler> make_endpoint_slice_controller(api::Api& api);
/// What Services ask for that nothing here does, said as an event.
[[nodiscard]] std::unique_ptr<Reconciler> make_service_controller(api::Api& api);
/// Tells every machine what its network must do.
[[nodiscard]] std::unique_ptr<Reconciler> make_network_controller(api::Api& api, std::vector<seam::Node*> nodes);

}  // namespace fairlead::control
