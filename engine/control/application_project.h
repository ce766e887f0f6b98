// What an AppProject permits its Applications.
#pragma once

#include <optional>
#include <string>

#include "base/value.h"
#include "engine/api/schema.h"

namespace fairlead::control {

/// Why `project` (an AppProject) forbids the Application's source or destination; nothing when it does not.
/// Source: argo-cd pkg/apis/application/v1alpha1/app_project_types.go (IsSourcePermitted, IsDestinationPermitted).
[[nodiscard]] std::optional<std::string> forbidden_application(const Value& project, const Value& application);

/// Why `project` forbids one object in the cluster; `ns` is empty for cluster-scoped kinds.
[[nodiscard]] std::optional<std::string> forbidden_object(const Value& project, const api::Resource& resource,
                                                          const Value& destination, std::string_view ns);

}  // namespace fairlead::control
