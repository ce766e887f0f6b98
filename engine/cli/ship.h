// Shipping a release: what `ship` and `demo` share.
#pragma once

#include <string>

#include "base/error.h"
#include "engine/cli/commands.h"
#include "engine/cli/follow.h"

namespace fairlead::cli {

struct Shipped {
  std::string sha;      ///< Commit in the delivery repository.
  bool changed = true;  ///< False: the repository held all of it already, and `sha` is an earlier commit.
  std::string image;    ///< Empty when no service was named.
  std::string digest;
};

/// Builds, pins and commits; Applications take it from there. After Ctrl-C it is an error when nothing was committed.
[[nodiscard]] Result<Shipped> ship_release(const Project& project, const std::string& service,
                                           const ReleaseOptions& options);

/// That it was committed, or that there was nothing to commit.
[[nodiscard]] std::string committed_text(const Shipped& shipped);
/// What the outcome means, in a sentence, with the evidence of a rollback below it.
[[nodiscard]] std::string outcome_text(const Followed& followed, const Shipped& shipped);
[[nodiscard]] int outcome_code(RolloutOutcome outcome);

}  // namespace fairlead::cli
