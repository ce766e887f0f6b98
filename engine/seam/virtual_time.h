// Time that stands still until somebody moves it, and the tasks that wait in it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "engine/seam/clock.h"
#include "engine/seam/executor.h"

namespace fairlead::seam {

/// A clock and an executor for virtual worlds: tasks run by time, then in the order given. One thread.
class VirtualTime final : public Executor, public Clock {
 public:
  explicit VirtualTime(Time start) : now_(start) {}

  [[nodiscard]] Time now() const override { return now_; }
  void post(std::move_only_function<void()> task) override { after(Duration(0), std::move(task)); }
  /// Runs `task` once `delay` has passed.
  void after(Duration delay, std::move_only_function<void()> task) {
    tasks_.emplace(std::pair(now_ + delay, ++sequence_), std::move(task));
  }
  /// When the earliest task is due; nothing when there is none.
  [[nodiscard]] std::optional<Time> next() const {
    if (tasks_.empty()) return std::nullopt;
    return tasks_.begin()->first.first;
  }
  /// Runs every task that is due now, those included that they add; true when there was one.
  bool run_due() {
    bool any = false;
    while (!tasks_.empty() && tasks_.begin()->first.first <= now_) {
      auto task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
      task();
      any = true;
    }
    return any;
  }
  /// Drops every task, as the end of a process does.
  void forget() { tasks_.clear(); }
  /// Moves the clock; never back.
  void move_to(Time to) {
    FAIRLEAD_ASSERT(to >= now_);
    now_ = to;
  }

 private:
  Time now_;
  std::uint64_t sequence_ = 0;
  std::map<std::pair<Time, std::uint64_t>, std::move_only_function<void()>> tasks_;
};

}  // namespace fairlead::seam
