#include "engine/control/autoscaler_behavior.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kDefaultDownWindow = 300;  ///< Seconds.
constexpr Duration kMemory = std::chrono::hours(1);

using Change = AutoscalerMemory::Change;

/// One direction's rules, with upstream's defaults (pkg/apis/autoscaling/v2/defaults.go).
struct Rules {
  struct Policy {
    bool percent = false;
    std::int64_t value = 0;
    Duration period{0};
  };
  Duration window{0};
  std::string select = "Max";
  std::vector<Policy> policies;
};

Rules rules_of(const Value& behavior, bool up) {
  const Value& given = behavior.at(up ? "scaleUp" : "scaleDown");
  Rules out;
  out.window = std::chrono::seconds(given.at("stabilizationWindowSeconds").int_or(up ? 0 : kDefaultDownWindow));
  out.select = given.at("selectPolicy").string_or("Max");
  for (const Value& p : given.at("policies").items()) {
    out.policies.push_back({p.at("type").str() == "Percent", p.at("value").int_or(0),
                            std::chrono::seconds(p.at("periodSeconds").int_or(15))});
  }
  if (out.policies.empty()) {
    const Duration period = std::chrono::seconds(15);
    if (up) out.policies.push_back({false, 4, period});
    out.policies.push_back({true, 100, period});
  }
  return out;
}

std::int64_t changed_within(const std::vector<Change>& changes, Duration period, Time now) {
  std::int64_t sum = 0;
  for (const Change& c : changes) {
    if (c.at > now - period) sum += c.by;
  }
  return sum;
}

/// The most replicas that the policies allow. Source: calculateScaleUpLimitWithScalingRules.
std::int64_t up_limit(const Rules& rules, const AutoscalerMemory& memory, std::int64_t current, Time now) {
  if (rules.select == "Disabled") return current;
  std::int64_t best = rules.select == "Min" ? kNoLimit : std::numeric_limits<std::int64_t>::min();
  for (const Rules::Policy& p : rules.policies) {
    const std::int64_t start =
        current - changed_within(memory.ups, p.period, now) + changed_within(memory.downs, p.period, now);
    const std::int64_t allowed = p.percent ? static_cast<std::int64_t>(std::ceil(
                                                 static_cast<double>(start) * (1 + static_cast<double>(p.value) / 100)))
                                           : start + p.value;
    best = rules.select == "Min" ? std::min(best, allowed) : std::max(best, allowed);
  }
  return best;
}

/// The fewest. Source: calculateScaleDownLimitWithBehaviors.
std::int64_t down_limit(const Rules& rules, const AutoscalerMemory& memory, std::int64_t current, Time now) {
  if (rules.select == "Disabled") return current;
  std::int64_t best = rules.select == "Min" ? std::numeric_limits<std::int64_t>::min() : kNoLimit;
  for (const Rules::Policy& p : rules.policies) {
    const std::int64_t start =
        current - changed_within(memory.ups, p.period, now) + changed_within(memory.downs, p.period, now);
    const std::int64_t allowed =
        p.percent ? static_cast<std::int64_t>(static_cast<double>(start) * (1 - static_cast<double>(p.value) / 100))
                  : start - p.value;
    best = rules.select == "Min" ? std::max(best, allowed) : std::min(best, allowed);
  }
  return best;
}

/// The lowest wish of the up window and the highest of the down window bound what is followed.
void stabilize(const Rules& up, const Rules& down, std::int64_t current, std::int64_t wanted, Time now,
               AutoscalerMemory& memory, Limited& out) {
  std::int64_t up_floor = wanted;
  std::int64_t down_ceiling = wanted;
  for (const auto& r : memory.recommendations) {
    if (r.at > now - up.window) up_floor = std::min(up_floor, r.replicas);
    if (r.at > now - down.window) down_ceiling = std::max(down_ceiling, r.replicas);
  }
  out.replicas = std::min(std::max(current, up_floor), down_ceiling);
  if (out.replicas == wanted) return;
  out.able_reason = out.replicas > wanted ? "ScaleDownStabilized" : "ScaleUpStabilized";
  out.able_message =
      out.replicas > wanted
          ? "recent recommendations were higher than current one, applying the highest recent recommendation"
          : "recent recommendations were lower than current one, applying the lowest recent recommendation";
}

/// Without behavior only the wishes of five minutes count, whatever the target has now. Source:
/// stabilizeRecommendation.
void stabilize_legacy(std::int64_t wanted, Time now, const AutoscalerMemory& memory, Limited& out) {
  out.replicas = wanted;
  for (const auto& r : memory.recommendations)
    if (r.at >= now - std::chrono::seconds(kDefaultDownWindow)) out.replicas = std::max(out.replicas, r.replicas);
  if (out.replicas == wanted) return;
  out.able_reason = "ScaleDownStabilized";
  out.able_message = "recent recommendations were higher than current one, applying the highest recent recommendation";
}

void clamp(Limited& out, std::int64_t low, std::string_view low_reason, std::int64_t high,
           std::string_view high_reason) {
  out.limit_reason = "DesiredWithinRange";
  out.limit_message = "the desired count is within the acceptable range";
  if (out.replicas > high) {
    out = {high, out.able_reason, out.able_message, std::string(high_reason), "", true};
    out.limit_message = high_reason == "TooManyReplicas"
                            ? "the desired replica count is more than the maximum replica count"
                            : "the desired replica count is increasing faster than the maximum scale rate";
  } else if (out.replicas < low) {
    out = {low, out.able_reason, out.able_message, std::string(low_reason), "", true};
    out.limit_message = low_reason == "TooFewReplicas"
                            ? "the desired replica count is less than the minimum replica count"
                            : "the desired replica count is decreasing faster than the maximum scale rate";
  }
}

}  // namespace

Limited limit_replicas(const Value& spec, std::int64_t current, std::int64_t wanted, Time now,
                       AutoscalerMemory& memory) {
  const std::int64_t least = spec.at("minReplicas").int_or(1);
  const std::int64_t most = spec.at("maxReplicas").int_or(1);
  const Value& behavior = spec.at("behavior");
  const Rules up = rules_of(behavior, true);
  const Rules down = rules_of(behavior, false);
  std::erase_if(memory.recommendations, [&](const auto& r) { return r.at <= now - kMemory; });
  std::erase_if(memory.ups, [&](const Change& c) { return c.at <= now - kMemory; });
  std::erase_if(memory.downs, [&](const Change& c) { return c.at <= now - kMemory; });

  Limited out;
  if (behavior.is_null()) {
    stabilize_legacy(wanted, now, memory, out);
  } else {
    stabilize(up, down, current, wanted, now, memory, out);
  }
  memory.recommendations.push_back({now, wanted});
  std::int64_t high = most;
  std::string_view high_reason = "TooManyReplicas";
  std::int64_t low = least;
  std::string_view low_reason = "TooFewReplicas";
  if (out.replicas > current) {
    // Without behavior the legacy rule holds: at most double, and four are always allowed.
    const std::int64_t limit = behavior.is_null() ? std::max<std::int64_t>(2 * current, 4)
                                                  : std::max(current, up_limit(up, memory, current, now));
    if (limit < high) {
      high = limit;
      high_reason = "ScaleUpLimit";
    }
  } else if (out.replicas < current && !behavior.is_null()) {
    const std::int64_t limit = std::min(current, down_limit(down, memory, current, now));
    if (limit > low) {
      low = limit;
      low_reason = "ScaleDownLimit";
    }
  }
  clamp(out, low, low_reason, high, high_reason);
  return out;
}

void remember_start(AutoscalerMemory& memory, std::int64_t current, Time now) {
  if (memory.recommendations.empty()) memory.recommendations.push_back({now, current});
}

void remember_change(AutoscalerMemory& memory, std::int64_t from, std::int64_t to, Time now) {
  if (to > from) memory.ups.push_back({now, to - from});
  if (to < from) memory.downs.push_back({now, from - to});
}

}  // namespace fairlead::control
