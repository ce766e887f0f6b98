// Watches one rollout until it is decided, and tells what happens as it happens.
#pragma once

#include <chrono>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "engine/cli/cluster.h"

namespace fairlead::cli {

enum class RolloutOutcome { kPromoted, kAborted, kDegraded, kPaused, kReplaced, kLeft, kTimedOut };

struct FollowOptions {
  std::string service;
  std::string commit;  ///< That shipped it: until it is synced, nothing that the cluster says is about it.
  std::string digest;  ///< Of the image that was shipped: what is waited for.
  Duration timeout{900};
  bool quiet = false;
};

struct Followed {
  RolloutOutcome outcome = RolloutOutcome::kTimedOut;
  ServiceStatus status;  ///< As it was in the end.
  std::string commit;    ///< What was followed.
  std::string newest;    ///< The delivery repository's newest commit by then.
};

/// Prints a line for each change of step, weight, phase or measurement. Ends early when a newer commit takes the
/// service's place and at Ctrl-C.
[[nodiscard]] Result<Followed> follow_rollout(const Project& project, Cluster& cluster, const FollowOptions& options);

}  // namespace fairlead::cli
