// The order in which the edge tries its routes.
#pragma once

#include <cstdint>

#include "base/value.h"
#include "engine/seam/traffic.h"

namespace fairlead::edge {

/// The port on which the edge's pod listens for a listener's port: below 1024 it may not, so those are 10000 higher.
/// Source: envoyproxy/gateway internal/gatewayapi/listener.go, servicePortToContainerPort.
[[nodiscard]] std::uint16_t container_port(std::uint16_t listener_port);

/// {"version", "entries": [...], "rules": [...]}: edge.lua takes the first entry that matches a request. Entries stand
/// in Gateway API's order of precedence: host, path, method, number of headers, number of query parameters, then the
/// program's own order. The version is a hash of the rest: equal programs have equal versions.
/// Source: kubernetes-sigs/gateway-api apis/v1/httproute_types.go, HTTPRouteSpec.Hostnames and HTTPRouteRule.Matches.
[[nodiscard]] Value routing_table(const seam::EdgeProgram& program);

/// The ports to listen on, {"listeners": hash, "ports": [...]}.
[[nodiscard]] Value listener_table(const seam::EdgeProgram& program);

}  // namespace fairlead::edge
