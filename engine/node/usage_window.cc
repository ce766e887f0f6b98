#include "engine/node/usage_window.h"

#include <algorithm>
#include <utility>

namespace fairlead::node {

void UsageWindow::add(Moment at, std::map<pid_t, ContainerSample> samples) {
  readings_.push_back({at, std::move(samples)});
  // One reading at or before the window's begin stays: the difference to it spans the window.
  while (readings_.size() > 1 && readings_[1].at <= at - kFull) readings_.pop_front();
}

std::optional<UsageWindow::Use> UsageWindow::of(pid_t leader) const {
  if (readings_.empty()) return std::nullopt;
  const Reading& last = readings_.back();
  const auto now = last.samples.find(leader);
  if (now == last.samples.end()) return std::nullopt;
  const Reading* since = nullptr;
  if (readings_.front().at <= last.at - kFull && readings_.front().samples.contains(leader)) {
    since = &readings_.front();
  } else {
    for (const Reading& reading : readings_) {
      if (reading.at <= last.at - kYoung && reading.samples.contains(leader)) since = &reading;
    }
  }
  if (since == nullptr) return std::nullopt;
  const auto window = std::chrono::ceil<std::chrono::milliseconds>(last.at - since->at);
  const std::int64_t used = now->second.cpu_nanoseconds - since->samples.at(leader).cpu_nanoseconds;
  return Use{used * 1000 / window.count(), now->second.memory_bytes, window};
}

}  // namespace fairlead::node
