// Watches rollouts until they are decided, and tells what happens as it happens.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "engine/cli/cluster.h"
#include "engine/gitops/delivery_repository.h"

namespace fairlead::cli {

enum class RolloutOutcome { kPromoted, kSynced, kAborted, kDegraded, kPaused, kNotSynced, kReplaced, kLeft, kTimedOut };

struct FollowOptions {
  std::string commit;  ///< In the delivery repository: until it is synced, nothing that the cluster says is about it.
  /// Whom to follow, side by side: each to the end of its rollout, or, where none is caused, until it is synced.
  std::vector<gitops::ServiceChange> services;
  Duration timeout{900};
  bool quiet = false;
};

/// What became of one service.
struct Followed {
  RolloutOutcome outcome = RolloutOutcome::kTimedOut;
  ServiceStatus status;  ///< As it was in the end.
  std::string commit;    ///< What was followed.
  std::string newest;    ///< The delivery repository's newest commit by then.
};

/// Prints a line for each change of step, weight, phase or measurement, with the service's name where there are
/// several. Answers in the order of `services`, once all are decided. A service for which a newer commit wants other
/// pods is left there, and Ctrl-C leaves all of them.
[[nodiscard]] Result<std::vector<Followed>> follow_rollouts(const Project& project, Cluster& cluster,
                                                            const FollowOptions& options);

}  // namespace fairlead::cli
