// CPU use as a rate over the recent past.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "engine/node/usage.h"

namespace fairlead::node {

/// Readings of the last five seconds. A container that has been there for all of it is measured over all of it; a
/// younger one over the last second, so that a pod that has just become ready is not judged by what its start cost: the
/// HorizontalPodAutoscaler takes no measurement whose window began before the pod was ready. One thread.
class UsageWindow {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds kFull{5000};
  static constexpr std::chrono::milliseconds kYoung{1000};

  struct Use {
    std::int64_t cpu_nano_cores = 0;
    std::int64_t memory_bytes = 0;
    std::chrono::milliseconds window{0};  ///< What cpu_nano_cores is the mean of.
  };

  /// Readings come in order of time.
  void add(Moment at, std::map<pid_t, ContainerSample> samples);
  /// Nothing while the container has been read for less than kYoung, or is not in the last reading.
  [[nodiscard]] std::optional<Use> of(pid_t leader) const;

 private:
  struct Reading {
    Moment at;
    std::map<pid_t, ContainerSample> samples;
  };
  std::deque<Reading> readings_;
};

}  // namespace fairlead::node
