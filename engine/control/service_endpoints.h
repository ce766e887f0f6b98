// Where a Service's traffic goes, as its EndpointSlices say: one answer for the node's cluster IPs and for the edge.
// Of the slices those of IPv4 count; the pod network knows no other addresses.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/api/api.h"
#include "engine/seam/network.h"

namespace fairlead::control {

/// The label by which an EndpointSlice belongs to a Service.
inline constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

/// The endpoints behind the Service port of this name, of the Service's slices: sorted, each once; the ready ones, and
/// when there are none, those that end but still serve. Source: pkg/proxy/topology.go, CategorizeEndpoints.
[[nodiscard]] std::vector<seam::Endpoint> service_endpoints(std::span<const api::ObjectPtr> slices,
                                                            std::string_view port_name);

/// What a headless Service's name resolves to: the ready addresses with their hostnames, sorted.
[[nodiscard]] std::vector<seam::HeadlessName> headless_addresses(std::span<const api::ObjectPtr> slices);

/// The number behind a port name of a pod; 0 when no container, and no sidecar, has a port of this name and protocol.
/// Source: k8s.io/endpointslice/utils.go, FindPort.
[[nodiscard]] std::uint16_t find_port(const Value& pod, std::string_view name, std::string_view protocol);

}  // namespace fairlead::control
