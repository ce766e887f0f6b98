// How fast an autoscaler may follow what its metrics ask for.
// Source: kubernetes pkg/controller/podautoscaler/horizontal.go (normalizeDesiredReplicas…, stabilizeRecommendation…).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/value.h"

namespace fairlead::control {

/// What one autoscaler remembers. Lost with the engine, as upstream loses it with its own.
struct AutoscalerMemory {
  struct Recommendation {
    Time at;
    std::int64_t replicas = 0;
  };
  struct Change {
    Time at;
    std::int64_t by = 0;  ///< Positive.
  };
  std::vector<Recommendation> recommendations;
  std::vector<Change> ups;
  std::vector<Change> downs;
};

struct Limited {
  std::int64_t replicas = 0;
  std::string able_reason;  ///< For the condition AbleToScale; empty when the recommendation stands.
  std::string able_message;
  std::string limit_reason;  ///< For the condition ScalingLimited.
  std::string limit_message;
  bool limited = false;
};

/// Takes what there is when an autoscaler is first looked at for a recommendation, so that scaling down waits out its
/// window then, too. Source: recordInitialRecommendation.
void remember_start(AutoscalerMemory& memory, std::int64_t current, Time now);

/// `spec` is a HorizontalPodAutoscalerSpec. Remembers `wanted` and answers with what may be set now.
[[nodiscard]] Limited limit_replicas(const Value& spec, std::int64_t current, std::int64_t wanted, Time now,
                                     AutoscalerMemory& memory);

/// Notes that a change was made, for the policies of behavior.
void remember_change(AutoscalerMemory& memory, std::int64_t from, std::int64_t to, Time now);

}  // namespace fairlead::control
