// The files that make a plain nginx the edge: its configuration, the rules of the WAF and the Lua that routes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/value.h"
#include "engine/seam/traffic.h"

namespace fairlead::edge {

/// Where the engine tells the edge what to do; everybody else is refused there, the edge itself included: a route may
/// lead to any address.
inline constexpr std::uint16_t kAdminPort = seam::kEdgeAdminPort;
inline constexpr std::uint16_t kMetricsPort = seam::kEdgeMetricsPort;

/// A rule of the core rule set that does not look at one thing.
struct WafExclusion {
  std::string rule;  ///< "942100"
  std::string in;    ///< "argument", "cookie" or "header".
  std::string name;
};

struct WafSettings {
  bool prevention = true;  ///< False: what is found is logged and let through.
  std::vector<WafExclusion> exclusions;
};

/// What an environment (the tree of its environment.json) says of the firewall, `edge.waf`. Its limits and countries
/// are Front Door's alone: on one machine everybody has the same address.
[[nodiscard]] WafSettings waf_settings(const Value& environment);

/// What differs between a pod and a test on loopback.
struct EdgeSettings {
  std::string config_dir = "/etc/fairlead/edge";     ///< Where these files are mounted.
  std::string state_dir = "/var/lib/fairlead/edge";  ///< Writable: pid, buffers, and the listeners in force.
  std::string address = "0.0.0.0";
  std::uint16_t admin_port = kAdminPort;
  std::uint16_t metrics_port = kMetricsPort;
  int workers = 2;
  std::string user{};  ///< "root root" where nginx starts as root; empty: it starts as what it stays.
  std::string node_address =
      "10.244.0.1";  ///< Where the engine and its probes come from: alone let into the admin port.
  /// How long a backend may be silent where its route sets no timeout.
  Duration default_timeout = std::chrono::seconds(60);
  WafSettings waf{};
};

/// Names and contents of the files in `settings.config_dir`.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> edge_files(const EdgeSettings& settings = {});

/// The same as the ConfigMap `edge` in namespace `gateway`, which the edge's pod mounts.
[[nodiscard]] Value edge_config_map(const EdgeSettings& settings = {});

}  // namespace fairlead::edge
