// The control thread of a world in real time: what the seams answer, and the reconcilers that are due.
#pragma once

#include "engine/control/reconciler.h"
#include "engine/node/loop.h"
#include "engine/seam/clock.h"
#include "engine/seam/executor.h"

namespace fairlead::world {

/// `post` and `stop` from any thread, everything else from the one that calls `run`.
class ControlLoop final : public seam::Executor {
 public:
  explicit ControlLoop(const seam::Clock& clock) : clock_(clock) {}

  void post(std::move_only_function<void()> task) override { loop_.post(std::move(task)); }
  /// Runs `manager` whenever it has work, a slice at a time so that requests are answered in between.
  void drive(control::Manager& manager);
  /// Calls `settled` once, when the manager has done all that was waiting.
  void when_settled(std::move_only_function<void()> settled) { settled_ = std::move(settled); }
  [[nodiscard]] node::Loop& loop() { return loop_; }
  void run() { loop_.run(); }
  void stop() { loop_.stop(); }

 private:
  void slice(control::Manager& manager);
  void schedule(control::Manager& manager);

  const seam::Clock& clock_;
  node::Loop loop_;
  node::Loop::Timer timer_{};
  bool slice_posted_ = false;
  std::move_only_function<void()> settled_;
};

}  // namespace fairlead::world
