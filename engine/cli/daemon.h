// Which `fairlead up` runs in this repository: one at a time, found by a lock that dies with it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "base/error.h"
#include "engine/cli/project.h"

namespace fairlead::cli {

/// Held by the process that runs the cluster, for as long as it lives.
class DaemonLock {
 public:
  /// An error names the process that holds it.
  [[nodiscard]] static Result<DaemonLock> take(const Project& project);
  DaemonLock(DaemonLock&& other) noexcept;
  DaemonLock& operator=(DaemonLock&&) = delete;
  ~DaemonLock();

  /// Writes our process id into the lock, after a fork made another process its owner.
  void own() const;

 private:
  explicit DaemonLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

/// The process that runs the cluster, or is about to, if one does. An error when the state directory is another user's.
[[nodiscard]] Result<std::optional<pid_t>> running_daemon(const Project& project);

/// Asks it to end, waits, and kills it after `patience`. True when one ran.
[[nodiscard]] Result<bool> stop_daemon(const Project& project, std::chrono::milliseconds patience);

}  // namespace fairlead::cli
