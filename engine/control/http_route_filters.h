// The filters of an HTTPRoute's rule or backend, as the edge understands them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "engine/seam/traffic.h"

namespace fairlead::control {

struct FilterReading {
  seam::RouteFilters filters;
  std::string unsupported;  ///< The first thing that this edge cannot do, with its field; empty: it can all.
};

/// Reads `holder.filters`; `where` names the holder. RequestHeaderModifier and ResponseHeaderModifier are followed
/// everywhere, RequestRedirect and URLRewrite in a rule. `matches` are the rule's: ReplacePrefixMatch needs to know
/// what it replaces.
/// Source: kubernetes-sigs/gateway-api apis/v1/httproute_types.go, HTTPRouteFilter.
[[nodiscard]] FilterReading read_rule_filters(const Value& holder, std::span<const seam::RouteMatch> matches,
                                              const std::string& where);
[[nodiscard]] FilterReading read_backend_filters(const Value& holder, const std::string& where);

/// Names of headers and hosts in the one case that they are compared in. ASCII alone has cases there.
[[nodiscard]] std::string lower_case(std::string_view text);

/// Leaves of entries with equivalent names the first alone. Names of headers are equivalent whatever their case.
void keep_first_header(std::vector<seam::StringMatch>& matches);

}  // namespace fairlead::control
