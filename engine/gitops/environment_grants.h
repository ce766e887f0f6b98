// Who may do what in an environment: one identity per service and add-on, and one entry per grant.
#pragma once

#include <string>
#include <string_view>

#include "base/value.h"
#include "engine/gitops/environment_names.h"
#include "engine/gitops/environment_sources.h"

namespace fairlead::gitops {

/// What a queue or a secret, "service/name", is called in Azure, which keeps those of all services in one place.
[[nodiscard]] std::string azure_name(std::string_view target);
/// Whether an identity of the platform itself has this name, so that no service can.
[[nodiscard]] bool is_platform_identity(std::string_view name);

/// By name: Azure name, and the Kubernetes service account that may become it.
[[nodiscard]] Value environment_identities(const EnvironmentSources& sources, const EnvironmentNames& names);
/// Cosmos DB containers and storage queues by "service/name".
[[nodiscard]] Value environment_containers(const EnvironmentSources& sources);
[[nodiscard]] Value environment_queues(const EnvironmentSources& sources);
/// Grants on containers, queues, secrets and Redis, each under a key that says it.
[[nodiscard]] Value environment_grants(const EnvironmentSources& sources);

}  // namespace fairlead::gitops
