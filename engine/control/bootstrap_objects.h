// What a fresh cluster holds, as YAML.
#pragma once

#include <string_view>

namespace fairlead::control {

/// Documents in the order in which they are created.
/// Source: kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go; pkg/controlplane/controller.
[[nodiscard]] std::string_view bootstrap_objects();

}  // namespace fairlead::control
