// Addresses of Services, given out when a Service is created.
#pragma once

#include <string_view>

#include "engine/api/api.h"

namespace fairlead::control {

inline constexpr std::string_view kServiceNetwork = "10.96.";  ///< The Service CIDR is 10.96.0.0/16.

/// Gives each new Service that wants one a cluster address, refuses one that is taken or outside of the range, and keeps
/// it over updates that leave it out. Source: pkg/registry/core/service/storage/alloc.go, strategy.go
/// (patchAllocatedValues).
void add_service_admission(api::Api& api);

}  // namespace fairlead::control
