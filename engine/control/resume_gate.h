// What a restart of the engine means for rollouts: time spent down counts for nothing, and nobody is judged before
// there is something to judge by.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/value.h"

namespace fairlead::control {

/// A stretch of time in which no engine ran.
struct Outage {
  Time from;
  Time until;
};

/// The shortest time after its pods became Ready before a resumed rollout is judged: two scrapes.
inline constexpr Duration kShortestWindow = std::chrono::seconds(30);
/// A resumed rollout whose pods do not become Ready is judged as it is after this long. Once they are Ready, the window
/// of its longest query is waited for, however long that is: there is nothing earlier to judge by.
inline constexpr Duration kLongestHold = std::chrono::minutes(10);
/// How often to look at something that waits for pods.
inline constexpr Duration kHoldPoll = std::chrono::seconds(2);

/// Control thread only. Forgets at the end of the engine's life; the next life makes its own.
class ResumeGate {
 public:
  ResumeGate() = default;
  /// `outages` as far as they are known, oldest first; the last one ended when this life began. Empty: nothing is
  /// resumed.
  explicit ResumeGate(std::vector<Outage> outages);

  /// How much of the time since `t` nobody was there.
  [[nodiscard]] Duration lost_since(Time t) const;

  /// Tells which update a Rollout is at: the hash of its pod template, empty before it has a ReplicaSet. The first one
  /// is the one that is resumed; another one began in this life, and nothing holds it.
  void at_update(std::string_view rollout_uid, std::string_view update);
  /// Tells whether the pods of a Rollout that is held are Ready, and how long a window its queries look at. The hold
  /// begins anew when pods stop being Ready before its end. Nothing happens where nothing is held.
  void report(std::string_view rollout_uid, bool ready, Duration window, Time now);
  /// Until when a Rollout must neither advance nor be measured by queries of `window`; nothing when it may. While that
  /// is not known yet, as nobody has reported on it or its pods are not Ready, a moment to look again.
  [[nodiscard]] std::optional<Time> held_until(std::string_view rollout_uid, Time now,
                                               Duration window = kShortestWindow) const;
  /// The same for an AnalysisRun that belongs to no Rollout.
  [[nodiscard]] std::optional<Time> held_alone(Time created, Duration window, Time now) const;

 private:
  struct Waiting {
    std::string update;
    bool resumed = false;
    std::optional<Time> ready;
    Duration window = kShortestWindow;
  };
  [[nodiscard]] std::optional<Time> held(const Waiting& waiting, Time now, Duration window) const;

  std::vector<Outage> outages_;
  std::map<std::string, Waiting, std::less<>> rollouts_;
};

/// The longest range that a PromQL query looks back over ("rate(x[5m])": 5 minutes); 0 without one.
[[nodiscard]] Duration longest_range(std::string_view query);

/// The window of every Prometheus query in spec.metrics; at least kShortestWindow.
[[nodiscard]] Duration window_of(const Value& metrics);

}  // namespace fairlead::control
