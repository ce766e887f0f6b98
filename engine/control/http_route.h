// One HTTPRoute as the edge understands it.
#pragma once

#include <string>
#include <vector>

#include "engine/api/api.h"
#include "engine/control/gateway_status.h"
#include "engine/seam/traffic.h"

namespace fairlead::control {

/// A route's rules with everything they refer to looked up.
struct RouteReading {
  std::vector<seam::RouteRule> rules;
  ConditionVerdict accepted{true, "Accepted", ""};  ///< False: something in it is not supported, so none of it is used.
  ConditionVerdict resolved_refs{true, "ResolvedRefs", ""};  ///< False: a backend does not exist or may not be used.
};

/// Reads `route` (gateway.networking.k8s.io/v1 HTTPRoute). Backends are Services; their endpoints are the ready ones of
/// their EndpointSlices. A backend that cannot be resolved keeps its weight and is `missing`.
/// Source: kubernetes-sigs/gateway-api apis/v1/httproute_types.go.
[[nodiscard]] RouteReading read_http_route(const api::Api& api, const api::Object& route);

/// Whether a host can match both hostnames, "" being any.
[[nodiscard]] bool hostnames_meet(std::string_view a, std::string_view b);

/// Refuses what the edge would silently do differently: fields of Gateways and HTTPRoutes that change what happens to
/// requests and that it does not know. Warns of those without which requests are served all the same. Messages name the
/// field.
void add_gateway_admission(api::Api& api);

}  // namespace fairlead::control
