// What became of a commit in the delivery repository.
#pragma once

#include <string>

#include "base/error.h"
#include "engine/cli/project.h"
#include "engine/gitops/delivery_repository.h"

namespace fairlead::cli {

/// Watches the delivery repository for a commit that takes the place of one that was shipped. One thread; cheap to ask
/// again and again.
class Successor {
 public:
  /// `commit` gave `service` the image with `digest`.
  Successor(const Project& project, std::string service, std::string digest, std::string commit);

  /// Looks at the branch. An error when the repository cannot be read.
  [[nodiscard]] Result<> look();
  /// Whether the newest commit gives the service another image: this one will not be rolled out any further.
  [[nodiscard]] bool replaced() const { return replaced_; }
  /// SHA of the newest commit, which is the one that was shipped until there is another.
  [[nodiscard]] const std::string& head() const { return head_; }

 private:
  gitops::DeliveryRepository delivery_;
  std::string repository_;
  std::string service_;
  std::string digest_;
  std::string head_;
  bool replaced_ = false;
};

}  // namespace fairlead::cli
