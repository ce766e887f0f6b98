// Trees that nobody wants any more, removed where it delays nobody.
#pragma once

#include <atomic>
#include <string>

#include "engine/node/background.h"

namespace fairlead::node {

/// A directory that trees are moved to at once and removed from later, on a thread of its own. Any thread may use it.
/// Destroying it waits for the removal that is under way and leaves the others to the next Trash of the directory.
class Trash {
 public:
  /// Makes the directory; what an earlier life left there is removed too.
  explicit Trash(std::string directory);

  /// `path` is gone when this returns; whether it was there does not matter. Where it cannot be
  /// moved, as from another file system, it is removed here and now.
  void take(const std::string& path);

 private:
  std::string directory_;
  std::atomic<unsigned long long> next_;
  Background background_;
};

}  // namespace fairlead::node
