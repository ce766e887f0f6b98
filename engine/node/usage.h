// CPU and memory of containers, read from /proc: a container is the PID namespace that its first process leads.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fairlead::node {

/// One reading of one container.
struct ContainerSample {
  std::int64_t cpu_nanoseconds = 0;  ///< Used by all of its processes since it started.
  std::int64_t memory_bytes = 0;     ///< Resident now, shared pages counted once per process.
};

/// Keeps what ended processes had used, so that CPU time only grows. One thread.
class UsageReader {
 public:
  /// Reads all containers in one pass over /proc; `leaders` are their first processes.
  [[nodiscard]] std::map<pid_t, ContainerSample> read(const std::vector<pid_t>& leaders);

 private:
  struct Seen {
    std::map<pid_t, std::int64_t> ticks;  ///< Per living process.
    std::int64_t ended = 0;               ///< Of processes that are gone.
  };
  std::map<pid_t, Seen> seen_;
};

/// Proportional memory of a container's processes: shared pages divided among those who share them. Slower; asked
/// before a kill.
[[nodiscard]] std::int64_t exact_memory(pid_t leader);

}  // namespace fairlead::node
