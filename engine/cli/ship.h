// Shipping a release: what `ship` and `demo` share.
#pragma once

#include <string>

#include "base/error.h"
#include "engine/cli/commands.h"
#include "engine/cli/follow.h"

namespace fairlead::cli {

struct Shipped {
  std::string sha;    ///< Commit in the delivery repository.
  std::string image;  ///< Empty when no service was named.
  std::string digest;
};

/// Builds, pins and commits; Applications take it from there.
[[nodiscard]] Result<Shipped> ship_release(const Project& project, const std::string& service,
                                           const ReleaseOptions& options);

/// What the outcome means, in a sentence, with the evidence of a rollback below it.
[[nodiscard]] std::string outcome_text(const Followed& followed);
[[nodiscard]] int outcome_code(RolloutOutcome outcome);

}  // namespace fairlead::cli
