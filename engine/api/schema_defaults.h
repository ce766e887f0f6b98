// The defaults that upstream sets under a condition (k8s.io/kubernetes, pkg/apis/*/*/defaults.go). Those without one
// are rows of schema/defaults.txt and stand in the table.
#pragma once

#include <span>
#include <string_view>

#include "base/value.h"

namespace fairlead::api {

/// Sets what depends on other fields of the same struct or of structs in it. Runs before the defaults of its own
/// fields.
struct ConditionalDefault {
  std::string_view type;  ///< "io.k8s.api.core.v1.ServiceSpec"
  void (*apply)(Value& value);
};

/// Also replaces a null. `value` is an object or null.
void set_if_absent(Value& value, std::string_view key, Value preset);

/// Containers, pods, volumes, services and the other kinds of the core group.
[[nodiscard]] std::span<const ConditionalDefault> core_defaults();
/// apps, batch, autoscaling, networking, rbac, resource and apiextensions.
[[nodiscard]] std::span<const ConditionalDefault> group_defaults();

}  // namespace fairlead::api
