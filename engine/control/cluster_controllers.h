// The controllers that every cluster has before anything runs on it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/api/api.h"
#include "engine/control/reconciler.h"

namespace fairlead::control {

/// "bootstrap": creates what a fresh cluster holds (built-in namespaces, priority classes, RBAC roles and bindings, the
/// Service of the API server), and makes it again when somebody removes it. Works on each key it is woken with.
[[nodiscard]] std::unique_ptr<Reconciler> make_bootstrap(api::Api& api);
/// The keys of those objects, namespaces first.
[[nodiscard]] std::vector<api::Key> bootstrap_keys(const api::Schema& schema);

/// "namespace": empties a namespace that is going, then lets it go.
[[nodiscard]] std::unique_ptr<Reconciler> make_namespace_controller(api::Api& api);

/// "service-account": gives every namespace its ServiceAccount "default" and the ConfigMap "kube-root-ca.crt" with
/// `root_ca` (PEM) in it.
[[nodiscard]] std::unique_ptr<Reconciler> make_service_account_controller(api::Api& api, std::string root_ca);

/// "custom-resource-definition": makes kinds that users define part of `schema`, and removes their objects with them.
[[nodiscard]] std::unique_ptr<Reconciler> make_definition_controller(api::Api& api, api::Schema& schema);

/// "clusterrole-aggregation": writes into every ClusterRole with an aggregationRule the rules that it gathers.
[[nodiscard]] std::unique_ptr<Reconciler> make_cluster_role_aggregation(api::Api& api);

/// "garbage-collector": removes what lost its last owner; carries out foreground and orphan deletion.
[[nodiscard]] std::unique_ptr<Reconciler> make_garbage_collector(api::Api& api);

}  // namespace fairlead::control
