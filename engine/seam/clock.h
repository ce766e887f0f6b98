// The only source of time for api and control.
#pragma once

#include <chrono>

#include "base/time.h"

namespace fairlead::seam {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Time now() const = 0;
};

/// The machine's clock.
class WallClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }
};

/// A clock that stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start) : now_(start) {}
  [[nodiscard]] Time now() const override { return now_; }
  void advance(Duration by) { now_ += by; }
  void set(Time to) { now_ = to; }

 private:
  Time now_;
};

}  // namespace fairlead::seam
