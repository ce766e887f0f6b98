// What `ship` tells while it watches rollouts: lines with the time since it began.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "engine/cli/service_status.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {

/// One rollout's part of the timeline: what is new about it, each thing once.
class RolloutStory {
 public:
  using Line = std::function<void(const std::string& text, Tone tone)>;

  /// `line` gets what there is to tell, in order.
  explicit RolloutStory(Line line) : line_(std::move(line)) {}

  /// Whether nothing was told so far.
  [[nodiscard]] bool empty() const { return last_.empty(); }
  /// Nothing that the cluster says is about the commit yet; what may keep it from being synced.
  void waits(const ServiceStatus& service);
  /// How the rollout stands, what its analysis measured and what is wrong with its pods.
  void tells(const ServiceStatus& service);

 private:
  void measured(const ServiceStatus& service);
  void troubled_by(const std::vector<std::string>& problems);
  void stands(const std::string& text);

  Line line_;
  std::set<std::string> said_;
  std::string last_;
  bool canary_seen_ = false;
};

}  // namespace fairlead::cli
