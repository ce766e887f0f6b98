// Where on 127.0.0.1 people reach the cluster, and the record of it in the state directory: what every command that
// talks to the cluster reads, and the next `up` in the same checkout.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace fairlead::world {

struct HostPorts {
  std::uint16_t api = 6443;
  std::uint16_t edge = 8080;
  std::uint16_t prometheus = 9090;
  friend bool operator==(const HostPorts&, const HostPorts&) = default;
};

/// What was recorded last in `state`, the directory .fairlead; the defaults where nothing was. A damaged record is an
/// error that names it.
[[nodiscard]] Result<HostPorts> recorded_ports(const std::string& state);
[[nodiscard]] Result<> record_ports(const std::string& state, const HostPorts& ports);

}  // namespace fairlead::world
