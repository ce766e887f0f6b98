// What became of a commit in the delivery repository.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/error.h"
#include "base/value.h"
#include "engine/cli/project.h"
#include "engine/gitops/delivery_repository.h"

namespace fairlead::cli {

/// Watches the delivery repository for commits that take the place of one that was shipped, service by service. One
/// thread; cheap to ask again and again.
class Successor {
 public:
  Successor(const Project& project, std::string commit);

  /// Looks at the branch. An error when the repository cannot be read.
  [[nodiscard]] Result<> look();
  /// Whether the newest commit wants other pods of `service`: those of the shipped one go no further.
  [[nodiscard]] bool replaced(const std::string& service) const { return replaced_.contains(service); }
  /// SHA of the newest commit, which is the one that was shipped until there is another.
  [[nodiscard]] const std::string& head() const { return head_; }

 private:
  gitops::DeliveryRepository delivery_;
  std::string repository_;
  std::string commit_;
  std::string head_;
  std::set<std::string> replaced_;
};

}  // namespace fairlead::cli
