// The health of each kind that has one; what health_of chooses from.
#pragma once

#include "engine/control/application_health.h"

namespace fairlead::control {

// application_health_workloads.cc. Source: argo-cd gitops-engine/pkg/health/health_*.go, resource_customizations/
// argoproj.io.
[[nodiscard]] Health deployment_health(const Value& object);
[[nodiscard]] Health replica_set_health(const Value& object);
[[nodiscard]] Health stateful_set_health(const Value& object);
[[nodiscard]] Health daemon_set_health(const Value& object);
[[nodiscard]] Health pod_health(const Value& object);
[[nodiscard]] Health job_health(const Value& object);
[[nodiscard]] Health rollout_health(const Value& object);
[[nodiscard]] Health analysis_run_health(const Value& object);

// application_health_network.cc. Source: health_service.go, resource_customizations/
// gateway.networking.k8s.io.
[[nodiscard]] Health service_health(const Value& object);
[[nodiscard]] Health gateway_health(const Value& object);
[[nodiscard]] Health gateway_class_health(const Value& object);
[[nodiscard]] Health route_health(const Value& object);

}  // namespace fairlead::control
