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

  [[nodiscard]] static Health healthy(std::string_view message = {}) {
    return {HealthStatus::kHealthy, std::string(message)};
  }
  [[nodiscard]] static Health suspended(std::string_view message) {
    return {HealthStatus::kSuspended, std::string(message)};
  }
  [[nodiscard]] static Health progressing(std::string_view message) {
    return {HealthStatus::kProgressing, std::string(message)};
  }
  [[nodiscard]] static Health degraded(std::string_view message) {
    return {HealthStatus::kDegraded, std::string(message)};
  }
  [[nodiscard]] static Health unknown(std::string_view message) {
    return {HealthStatus::kUnknown, std::string(message)};
  }
};

/// An Application has no health as an object of another one, as upstream since 1.8: an app of apps would otherwise be
/// judged by itself.
/// Source: argo-cd gitops-engine/pkg/health, resource_customizations.
[[nodiscard]] Health health_of(const api::Resource& resource, const Value& object);

}  // namespace fairlead::control
