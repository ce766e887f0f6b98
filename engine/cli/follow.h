// Watches one rollout until it is decided, and tells what happens as it happens.
#pragma once

#include <chrono>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "engine/cli/cluster.h"

namespace fairlead::cli {

enum class RolloutOutcome { kPromoted, kAborted, kDegraded, kPaused, kTimedOut };

struct FollowOptions {
  std::string service;
  std::string digest;  ///< Of the image that was shipped: what is waited for.
  Duration timeout{900};
  bool quiet = false;
};

struct Followed {
  RolloutOutcome outcome = RolloutOutcome::kTimedOut;
  ServiceStatus status;  ///< As it was in the end.
};

/// Prints a line for each change of step, weight, phase or measurement.
[[nodiscard]] Result<Followed> follow_rollout(Cluster& cluster, const FollowOptions& options);

}  // namespace fairlead::cli
