#include "engine/control/resume_gate.h"

#include <algorithm>
#include <utility>

namespace fairlead::control {
namespace {

/// Milliseconds of one unit of a PromQL duration; 0 when it is none.
std::int64_t unit_length(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s") return 1000;
  if (unit == "m") return 60'000;
  if (unit == "h") return 3'600'000;
  if (unit == "d") return 86'400'000;
  if (unit == "w") return 604'800'000;
  return unit == "y" ? 31'536'000'000 : 0;
}

constexpr std::int64_t kLongestRange = 366 * std::int64_t{86'400'000};

/// "1h30m"; 0 for anything else, an ordinary [subscript] included.
Duration promql_duration(std::string_view text) {
  std::int64_t sum = 0;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::size_t end = std::min(text.find_first_of("0123456789", digits), text.size());
    const std::int64_t unit = unit_length(text.substr(digits, end - digits));
    if (digits == 0 || digits > 9 || unit == 0) return Duration(0);
    std::int64_t number = 0;
    for (const char c : text.substr(0, digits)) number = number * 10 + (c - '0');
    sum = std::min(kLongestRange, sum + std::min(number, kLongestRange / unit) * unit);
    text.remove_prefix(end);
  }
  return Duration(sum);
}

}  // namespace

ResumeGate::ResumeGate(std::vector<Outage> outages) : outages_(std::move(outages)) {}

Duration ResumeGate::lost_since(Time t) const {
  Duration lost{0};
  for (const Outage& outage : outages_)
    if (outage.until > t) lost += outage.until - std::max(outage.from, t);
  return lost;
}

void ResumeGate::at_update(std::string_view rollout_uid, std::string_view update) {
  if (outages_.empty()) return;
  const auto found = rollouts_.find(rollout_uid);
  if (found == rollouts_.end()) {
    rollouts_.emplace(rollout_uid, Waiting{.update = std::string(update), .resumed = !update.empty(), .ready = {}});
  } else if (found->second.update != update) {
    found->second.resumed = false;
  }
}

void ResumeGate::report(std::string_view rollout_uid, bool ready, Duration window, Time now) {
  const auto found = rollouts_.find(rollout_uid);
  if (found == rollouts_.end() || !held(found->second, now, kShortestWindow)) return;
  Waiting& waiting = found->second;
  waiting.window = std::max(window, waiting.window);
  if (!ready) {
    waiting.ready.reset();
  } else if (!waiting.ready) {
    waiting.ready = now;
  }
}

std::optional<Time> ResumeGate::held(const Waiting& waiting, Time now, Duration window) const {
  if (!waiting.resumed) return std::nullopt;
  const Time until = waiting.ready ? *waiting.ready + std::max(waiting.window, window)
                                   : std::min(outages_.back().until + kLongestHold, now + kHoldPoll);
  return now < until ? std::optional(until) : std::nullopt;
}

std::optional<Time> ResumeGate::held_until(std::string_view rollout_uid, Time now, Duration window) const {
  if (outages_.empty()) return std::nullopt;
  static const Waiting kUnknown{.update = {}, .resumed = true, .ready = {}};
  const auto found = rollouts_.find(rollout_uid);
  return held(found == rollouts_.end() ? kUnknown : found->second, now, window);
}

std::optional<Time> ResumeGate::held_alone(Time created, Duration window, Time now) const {
  if (outages_.empty() || created >= outages_.back().until) return std::nullopt;
  const Time until = outages_.back().until + std::max(window, kShortestWindow);
  return now < until ? std::optional(until) : std::nullopt;
}

Duration longest_range(std::string_view query) {
  Duration longest{0};
  for (auto open = query.find('['); open != std::string_view::npos; open = query.find('[', open + 1)) {
    const auto end = query.find_first_of(":]", open + 1);
    if (end == std::string_view::npos) break;
    longest = std::max(longest, promql_duration(query.substr(open + 1, end - open - 1)));
  }
  return longest;
}

Duration window_of(const Value& metrics) {
  Duration window = kShortestWindow;
  for (const Value& metric : metrics.items())
    window = std::max(window, longest_range(metric.at("provider", "prometheus", "query").str()));
  return window;
}

}  // namespace fairlead::control
