// Argo CD's health of one object and of a whole Application, in its words.
#pragma once

#include <string>
#include <string_view>

#include "base/value.h"
#include "engine/api/schema.h"

namespace fairlead::control {

/// In order from best to worst; an Application is as healthy as its worst object.
enum class HealthStatus { kHealthy, kSuspended, kProgressing, kMissing, kDegraded, kUnknown };

[[nodiscard]] std::string_view to_string(HealthStatus status);

struct Health {
  HealthStatus status = HealthStatus::kHealthy;
  std::string message;
  bool assessed = true;  ///< False for kinds that have no health of their own; they do not count.
};

/// An Application has no health as an object of another one, as upstream since 1.8: an app of apps would otherwise be
/// judged by itself.
/// Source: argo-cd gitops-engine/pkg/health and resource_customizations (Rollout, AnalysisRun, HTTPRoute, Gateway).
[[nodiscard]] Health health_of(const api::Resource& resource, const Value& object);

}  // namespace fairlead::control
