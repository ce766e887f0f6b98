// Whether a pod fits a node, and how well. Source: pkg/scheduler/framework/plugins/*.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/object.h"

namespace fairlead::control {

/// Amounts by resource name, in thousandths.
using Amounts = std::map<std::string, std::int64_t>;

/// Whether a toleration covers a taint. Source: k8s.io/api/core/v1/toleration.go, ToleratesTaint.
[[nodiscard]] bool tolerates(const Value& toleration, const Value& taint);

/// What a pod asks for: its containers together, or the largest init container where that is more, sidecars counted,
/// plus overhead. With `for_score`, containers that ask for nothing count as 100m and 200 MB.
/// Source: k8s.io/component-helpers/resource/helpers.go, PodRequests; pkg/scheduler/util/pod_resources.go.
[[nodiscard]] Amounts pod_requests(const Value& pod, bool for_score = false);

/// A node with the pods that are on it.
struct NodeState {
  api::ObjectPtr node;
  Amounts allocatable;
  Amounts requested;
  Amounts requested_for_score;
  std::int64_t pods = 0;
  std::vector<std::string> host_ports;  ///< "TCP/10.0.0.1/80"; "*" for any address.
};

[[nodiscard]] NodeState node_state(api::ObjectPtr node, const std::vector<api::ObjectPtr>& pods_on_it);

/// Why `pod` cannot run on the node; empty when it can. The reasons are those of the first plugin that refuses, in
/// upstream's words.
[[nodiscard]] std::vector<std::string> reasons_against(const Value& pod, const NodeState& state);

/// The sum of upstream's weighted scores: TaintToleration, NodeAffinity, Fit (LeastAllocated), BalancedAllocation.
/// Taints and affinity are normalised over `candidates`.
[[nodiscard]] std::vector<std::int64_t> scores(const Value& pod, const std::vector<NodeState>& candidates);

/// "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s)."
[[nodiscard]] std::string unschedulable_message(std::size_t nodes, const std::map<std::string, int>& reasons);

}  // namespace fairlead::control
