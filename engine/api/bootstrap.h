// What every cluster has before anybody asks for it.
#pragma once

#include <string_view>
#include <vector>

#include "engine/api/api.h"

namespace fairlead::api {

/// The built-in namespaces, priority classes, RBAC roles and bindings, and the Service of the API server: YAML
/// documents in the order in which they are created. Source: k8s.io/kubernetes/pkg/controlplane/controller,
/// plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
[[nodiscard]] std::string_view bootstrap_manifest();

struct BootstrapObject {
  Key key;
  Value tree;
};

/// The same, read.
[[nodiscard]] std::vector<BootstrapObject> bootstrap_objects(const Schema& schema);

/// Creates what is missing of it. What is there stays as it is.
[[nodiscard]] ApiResult<> bootstrap(Api& api);

}  // namespace fairlead::api
