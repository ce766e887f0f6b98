// What every cluster of ours holds before the first Application: DNS, Prometheus, the edge, Argo CD's namespace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/value.h"
#include "engine/api/api.h"

namespace fairlead::world {

/// Where on 127.0.0.1 people reach the cluster.
struct HostPorts {
  std::uint16_t api = 6443;
  std::uint16_t edge = 8080;
  std::uint16_t prometheus = 9090;
};

/// The objects of system/*.yaml, in the order in which they are applied, with the host ports of the edge and
/// Prometheus. Throws std::runtime_error when one of the embedded files is damaged, which is a bug of the build.
[[nodiscard]] std::vector<Value> system_objects(const HostPorts& ports);

/// Creates what is missing and brings the rest up to this program's version, keeping what others own.
[[nodiscard]] Result<> apply_objects(api::Api& api, const std::vector<Value>& objects);

/// One object, the same way.
[[nodiscard]] Result<> apply_object(api::Api& api, Value object, std::string_view file);

}  // namespace fairlead::world
