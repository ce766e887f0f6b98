// What every cluster has before anybody asks for it.
#pragma once

#include "engine/api/api.h"

namespace fairlead::api {

/// Creates what is missing of: the namespaces default, kube-node-lease, kube-public and kube-system; the ClusterRoles
/// cluster-admin, system:discovery, system:basic-user and system:public-info-viewer with their bindings. What is there
/// stays as it is.
/// Sources: k8s.io/kubernetes/pkg/controlplane/controller/systemnamespaces,
/// plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
[[nodiscard]] ApiResult<> bootstrap(Api& api);

}  // namespace fairlead::api
