// What a step of a scenario does to the cluster.
#pragma once

#include "engine/control/scenario/virtual_cluster.h"

namespace fairlead::control {

/// Carries out the actions of one step (apply, create, patch, delete, image, metrics, push, edge, restart) in the order
/// in which they are written. With `fails`, one of them must be refused with such a message.
[[nodiscard]] Result<> act(VirtualCluster& cluster, const Value& step);

/// Creates the objects of a scenario's beginning, and the namespaces that they live in.
[[nodiscard]] Result<> create_all(VirtualCluster& cluster, const Value& objects);

/// Sets how images behave: {"web:v1": {startup: 1s, ready: never, …}}.
[[nodiscard]] Result<> set_images(VirtualCluster& cluster, const Value& images);

/// Scripts answers to queries, from now on.
[[nodiscard]] Result<> script_metrics(VirtualCluster& cluster, const Value& metrics);

/// Refuses members of `node` that are not among `known` (separated by blanks): a misspelt word must not pass.
[[nodiscard]] Result<> only(const Value& node, std::string_view known);

}  // namespace fairlead::control
