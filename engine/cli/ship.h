// Shipping a release: what `ship` and `demo` share.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "engine/cli/commands.h"
#include "engine/cli/follow.h"

namespace fairlead::cli {

struct Shipped {
  std::string sha;      ///< Commit in the delivery repository.
  bool changed = true;  ///< False: the repository held all of it already, and `sha` is an earlier commit.
  std::string image;    ///< Empty when no service was named.
  /// Who tells how it went: the named service, and every one that the commit changes. Where nothing changed and none is
  /// named, the rollouts of everything that was delivered before.
  std::vector<gitops::ServiceChange> services;
};

/// Builds, pins and commits; Applications take it from there. After Ctrl-C it is an error when nothing was committed.
[[nodiscard]] Result<Shipped> ship_release(const Project& project, const std::string& service,
                                           const ReleaseOptions& options);

/// That it was committed, or that there was nothing to commit; and whom that changes, where not just `service`, the
/// named one.
[[nodiscard]] std::string committed_text(const Shipped& shipped, const std::string& service);
/// What the outcome means, in a sentence, with the evidence of a rollback below it.
[[nodiscard]] std::string outcome_text(const Followed& followed, const Shipped& shipped);
/// One code for all of them: that of the outcome that a script must hear of first.
[[nodiscard]] int outcome_code(const std::vector<Followed>& followed);

}  // namespace fairlead::cli
