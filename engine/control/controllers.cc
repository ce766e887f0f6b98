#include "engine/control/controllers.h"

#include "engine/api/admission.h"
#include "engine/control/application.h"
#include "engine/control/cluster_controllers.h"
#include "engine/control/delivery.h"
#include "engine/control/event_recorder.h"
#include "engine/control/gateway.h"
#include "engine/control/horizontal_pod_autoscaler.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {

void add_workload_controllers(Manager& manager, api::Api& api, const Seams& seams) {
  manager.add(make_node_controller(api, seams.nodes));
  for (const seam::Node* node : seams.nodes) {
    manager.wake("node", {&api.schema().resource("", "nodes"), "", node->name()});
  }
  manager.add(make_node_lifecycle_controller(api));
  manager.add(make_taint_eviction_controller(api));
  manager.add(make_deployment_controller(api));
  manager.add(make_replica_set_controller(api));
  manager.add(make_scheduler(api));
  manager.add(make_pod_controller(api, manager, seams.nodes, seams.issue_token));
  manager.add(make_service_controller(api));
  manager.add(make_endpoint_slice_controller(api));
  manager.add(make_network_controller(api, seams.nodes));
  manager.add(make_disruption_controller(api));
}

void add_cluster_controllers(Manager& manager, api::Api& api, const Seams& seams) {
  manager.add(make_bootstrap(api));
  for (const api::Key& key : bootstrap_keys(api.schema())) manager.wake("bootstrap", key);
  manager.add(make_namespace_controller(api));
  manager.add(make_service_account_controller(api, seams.root_ca));
  if (seams.schema != nullptr) manager.add(make_definition_controller(api, *seams.schema));
  manager.add(make_cluster_role_aggregation(api));
}

void add_admission(api::Api& api) {
  api::add_standard_admission(api);
  add_default_tolerations_admission(api);
  add_delivery_admission(api);
  add_gateway_admission(api);
  add_unacted_fields_admission(api);
}

void add_controllers(Manager& manager, api::Api& api, const Seams& seams) {
  add_cluster_controllers(manager, api, seams);
  add_workload_controllers(manager, api, seams);
  if (seams.metrics != nullptr) add_delivery_controllers(manager, api, *seams.metrics, seams.outages);
  manager.add(make_horizontal_pod_autoscaler(api, seams.nodes));
  if (seams.source != nullptr)
    manager.add(std::make_unique<ApplicationReconciler>(api, manager, *seams.source, seams.between_waves));
  if (seams.traffic != nullptr) add_gateway_controllers(manager, api, *seams.traffic);
  manager.add(make_garbage_collector(api));
  manager.add(make_event_expiry(api));
}

}  // namespace fairlead::control
