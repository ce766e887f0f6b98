// What the registry of Services does before it validates one, in parts. Source: pkg/registry/core/service.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "engine/api/admission.h"

namespace fairlead::api {

/// What every other Service holds.
struct TakenByServices {
  std::set<std::uint32_t> addresses;
  std::set<std::int64_t> node_ports;  ///< Those of health checks, too.
};

/// A Service that is written. `before` is its spec until now, null for a new one; `spec` is the one in
/// `admission.object`.
struct ServiceWrite {
  Admission& admission;
  Value& spec;
  Value before;

  [[nodiscard]] bool creates() const { return before.is_null(); }
  [[nodiscard]] ApiResult<> refuse(std::string field, std::string why) const;
};

/// Neither an IPv6 address nor a name.
[[nodiscard]] std::optional<std::uint32_t> parse_ipv4(std::string_view text);

[[nodiscard]] bool needs_cluster_address(const Value& spec);
/// Of type LoadBalancer with the external traffic policy Local.
[[nodiscard]] bool needs_health_port(const Value& spec);
/// True when nodes may hold ports for it, allocated or asked for.
[[nodiscard]] bool may_have_node_ports(const Value& spec);

/// clusterIP and clusterIPs say the same, as far as what was written means to.
void normalize_cluster_addresses(ServiceWrite& write);
/// Completes ipFamilies and ipFamilyPolicy; refuses what this cluster, which has IPv4 alone, cannot give.
[[nodiscard]] ApiResult<> complete_families(ServiceWrite& write);
[[nodiscard]] ApiResult<> allocate_cluster_address(ServiceWrite& write, const std::set<std::uint32_t>& taken);

/// What was allocated before and is not written again stays.
void keep_node_ports(ServiceWrite& write);
[[nodiscard]] ApiResult<> allocate_node_ports(ServiceWrite& write, const std::set<std::int64_t>& taken);
/// Takes away what a Service of this type does not have, where it is what it was before the type changed.
void drop_fields_of_other_types(ServiceWrite& write);

}  // namespace fairlead::api
