#include "engine/world/control_loop.h"

#include <algorithm>

namespace fairlead::world {
namespace {

constexpr std::size_t kSlice = 64;  ///< Reconciliations before the loop looks at everything else again.

}  // namespace

void ControlLoop::drive(control::Manager& manager) {
  manager.on_work([this, &manager] { schedule(manager); });
  schedule(manager);
}

void ControlLoop::schedule(control::Manager& manager) {
  if (slice_posted_) return;
  slice_posted_ = true;
  post([this, &manager] { slice(manager); });
}

void ControlLoop::slice(control::Manager& manager) {
  slice_posted_ = false;
  if (manager.run(kSlice)) return schedule(manager);
  if (settled_) std::exchange(settled_, {})();
  loop_.cancel(timer_);
  if (const auto due = manager.next_due()) {
    timer_ = loop_.after(std::max(*due - clock_.now(), Duration(0)), [this, &manager] { schedule(manager); });
  }
}

}  // namespace fairlead::world
