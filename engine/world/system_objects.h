// What every cluster of ours holds before the first Application: DNS, Prometheus, the edge, Argo CD's namespace.
#pragma once

#include <string>
#include <vector>

#include "base/value.h"
#include "engine/api/api.h"
#include "engine/world/host_ports.h"

namespace fairlead::world {

/// The objects of system/*.yaml, in the order in which they are applied, with the host ports of the edge and
/// Prometheus. Throws std::runtime_error when one of the embedded files is damaged, which is a bug of the build.
[[nodiscard]] std::vector<Value> system_objects(const HostPorts& ports);

/// Creates what is missing and brings the rest up to this program's version, keeping what others own.
[[nodiscard]] Result<> apply_objects(api::Api& api, const std::vector<Value>& objects);

/// One object, the same way.
[[nodiscard]] Result<> apply_object(api::Api& api, Value object, std::string_view file);

}  // namespace fairlead::world
