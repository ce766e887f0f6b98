#include "engine/control/canary_replicas.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace fairlead::control {
namespace {

std::int32_t to_count(const Value& value) { return static_cast<std::int32_t>(value.int_or(0)); }

std::optional<std::int32_t> optional_count(const Value& value) {
  return value.is_int() ? std::optional(to_count(value)) : std::nullopt;
}

/// An integer, or a percentage of `total`; nothing when it is neither.
std::optional<std::int32_t> resolve_count(const Value& value, std::int32_t total, bool round_up) {
  if (value.is_int()) return to_count(value);
  std::string text(value.string_or("25"));
  std::erase(text, '%');
  std::int32_t percent = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const double pods = static_cast<double>(percent) * static_cast<double>(total) / 100;
  return static_cast<std::int32_t>(round_up ? std::ceil(pods) : std::floor(pods));
}

/// Pods for a share of the traffic, rounded up.
std::int32_t pods_for(std::int32_t replicas, std::int32_t weight, std::int32_t max_weight) {
  return static_cast<std::int32_t>(std::ceil(static_cast<double>(weight) * static_cast<double>(replicas) / max_weight));
}

std::int32_t at_least_min_pods(const CanaryFacts& facts, std::int32_t count) {
  if (count == 0 || !facts.min_pods || !facts.routed) return count;
  return std::max(count, std::min(*facts.min_pods, facts.replicas));
}

/// The setCanaryScale that holds at the current step.
std::optional<CanaryScale> scale_in_force(const CanaryFacts& facts) {
  if (!facts.routed || (facts.aborted && !facts.abort_keeps_canary)) return std::nullopt;
  const auto current = facts.current_step();
  if (!current) return std::nullopt;
  for (std::size_t i = *current + 1; i-- > 0;) {
    const auto& scale = facts.steps[i].scale;
    if (!scale) continue;
    return scale->match_traffic_weight ? std::nullopt : scale;
  }
  return std::nullopt;
}

/// What the canary should be: a number of pods, or else a weight.
struct CanaryTarget {
  std::optional<std::int32_t> replicas;
  std::int32_t weight = 0;
};

CanaryTarget target_of(const CanaryFacts& facts) {
  if (facts.promote_full || !facts.has_stable || facts.fully_promoted) return {std::nullopt, facts.max_weight};
  if (const auto scale = scale_in_force(facts)) {
    if (scale->replicas) return {scale->replicas, 0};
    if (scale->weight) return {std::nullopt, *scale->weight};
  }
  return {std::nullopt, desired_canary_weight(facts)};
}

/// One way of splitting pods, and how far its share is from the wanted one.
struct Split {
  std::int32_t canary = 0;
  std::int32_t total = 0;

  [[nodiscard]] double distance(std::int32_t weight, std::int32_t max_weight) const {
    const double share = static_cast<double>(canary) * max_weight / total;
    return std::abs(share - weight);
  }
};

/// Rounding down and up are equally far from the weight; up wins then.
bool rounding_ties(std::int32_t weight, std::int32_t max_weight, std::int32_t replicas) {
  const double exact = static_cast<double>(weight) / max_weight * replicas;
  return exact - std::floor(exact) == std::ceil(exact) - exact;
}

/// The nearest split of `replicas` pods, or of one more where surge allows it. A weight that is neither 0 nor the
/// maximum leaves nobody without pods when there are two or more to share.
CanaryCounts nearest_split(std::int32_t replicas, std::int32_t weight, std::int32_t max_weight, std::int32_t surge) {
  if (replicas == 0) return {};
  const double exact = static_cast<double>(replicas) * weight / max_weight;
  const auto up = static_cast<std::int32_t>(std::ceil(exact));
  const auto down = static_cast<std::int32_t>(std::floor(exact));
  const bool zero_allowed = weight == max_weight || weight == 0 || (replicas == 1 && surge == 0);
  const bool down_allowed = down != 0 || zero_allowed;
  std::vector<Split> splits;
  if (up < replicas || zero_allowed) splits.push_back({up, replicas});
  if (!rounding_ties(weight, max_weight, replicas) && down_allowed) splits.push_back({down, replicas});
  if (surge > 0) {
    splits.push_back({up, replicas + 1});
    if (!rounding_ties(weight, max_weight, replicas + 1) && down_allowed) splits.push_back({down, replicas + 1});
  }
  if (splits.empty()) return {0, replicas};
  const auto best =
      std::ranges::min_element(splits, {}, [&](const Split& split) { return split.distance(weight, max_weight); });
  return {best->canary, best->total - best->canary};
}

/// Pods of a ReplicaSet that count when deciding how many may go. One that is on its way down already counts with
/// what it will have; one whose pods are ignored counts with what it was told to have.
std::int32_t counts_for_scale_down(const std::optional<ReplicaCounts>& counts, bool ignore_availability) {
  if (!counts) return 0;
  if (counts->desired < counts->available || ignore_availability) return counts->desired;
  return counts->available;
}

/// Two ReplicaSets in the middle of a scale-down: `shrinking` gives pods away, `kept` serves meanwhile.
struct Exchange {
  std::int32_t shrinking = 0;
  std::int32_t kept = 0;
};

/// Keeps the sum within `most`, taking from `kept` first but giving back what availability still needs.
Exchange keep_within(Exchange wanted, const std::optional<ReplicaCounts>& shrinking,
                     const std::optional<ReplicaCounts>& kept, std::int32_t most, std::int32_t least_available) {
  if (!kept) return wanted;
  const std::int32_t available_shrinking = shrinking ? std::min(shrinking->available, wanted.shrinking) : 0;
  wanted.kept -= std::max(0, wanted.kept + wanted.shrinking - most);
  const std::int32_t available = available_shrinking + std::min(kept->available, wanted.kept);
  const std::int32_t lost = std::max(0, kept->available - wanted.kept);
  wanted.kept += std::min(lost, std::max(0, least_available - available));
  wanted.shrinking -= std::max(0, wanted.kept + wanted.shrinking - most);
  return wanted;
}

std::int32_t shrink(const std::optional<ReplicaCounts>& counts, std::int32_t wanted, std::int32_t at_most,
                    std::int32_t otherwise) {
  if (!counts || counts->desired <= wanted) return otherwise;
  return std::max(wanted, counts->desired - at_most);
}

/// Without a router pods are the traffic: weights become pod counts, moved within maxSurge and maxUnavailable.
class PodSplit {
 public:
  explicit PodSplit(const CanaryFacts& facts)
      : facts_(facts),
        two_sided_(facts.stable && !(facts.canary && facts.stable_is_canary)),
        wanted_(two_sided_
                    ? nearest_split(facts.replicas, target_of(facts).weight, facts.max_weight, facts.fences.surge)
                    : CanaryCounts{facts.replicas, 0}) {
    if (facts.canary) now_.canary = facts.canary->desired;
    if (two_sided_) now_.stable = facts.stable->desired;
  }

  CanaryCounts run() {
    grow();
    // Older ReplicaSets go first; until they are gone nothing else shrinks.
    if (facts_.other_desired <= 0) shrink_sides();
    return now_;
  }

 private:
  /// Stable first, then the canary, with the pods that surge leaves room for.
  void grow() {
    const std::int32_t stable_now = two_sided_ ? facts_.stable->desired : 0;
    std::int32_t room = facts_.replicas + facts_.fences.surge - facts_.other_desired - now_.canary - stable_now;
    if (two_sided_ && stable_now < wanted_.stable && room > 0) {
      now_.stable = std::min(wanted_.stable, stable_now + room);
      room -= now_.stable - stable_now;
    }
    if (facts_.canary && facts_.canary->desired < wanted_.canary && room > 0)
      now_.canary = std::min(wanted_.canary, facts_.canary->desired + room);
  }

  void shrink_sides() {
    const std::int32_t most = facts_.replicas + facts_.fences.surge;
    const std::int32_t least = facts_.replicas - facts_.fences.unavailable;
    const bool increasing = !facts_.canary || wanted_.canary >= facts_.canary->desired;
    // The side that is to shrink may have broken pods: its own availability does not hold it back.
    const std::int32_t serving =
        counts_for_scale_down(facts_.canary, !increasing) + counts_for_scale_down(facts_.stable, increasing);
    if (serving <= least) return;
    if (!increasing) {
      now_.canary = shrink(facts_.canary, wanted_.canary, serving - least, now_.canary);
      const Exchange both = keep_within({now_.canary, now_.stable}, facts_.canary, facts_.stable, most, least);
      now_ = {both.shrinking, both.kept};
    } else if (two_sided_) {
      now_.stable = shrink(facts_.stable, wanted_.stable, serving - least, now_.stable);
      const Exchange both = keep_within({now_.stable, now_.canary}, facts_.stable, facts_.canary, most, least);
      now_ = {both.kept, both.shrinking};
    }
  }

  const CanaryFacts& facts_;
  bool two_sided_;
  CanaryCounts wanted_;
  CanaryCounts now_;
};

/// With a router pods only have to carry the traffic: stable stays whole unless it scales with its share.
CanaryCounts routed_counts(const CanaryFacts& facts, const std::optional<TrafficShares>& in_force) {
  const CanaryTarget target = target_of(facts);
  CanaryCounts counts;
  counts.canary =
      target.replicas.value_or(at_least_min_pods(facts, pods_for(facts.replicas, target.weight, facts.max_weight)));
  if (!facts.dynamic_stable_scale) return {counts.canary, facts.replicas};
  counts.stable = pods_for(facts.replicas, facts.max_weight - target.weight, facts.max_weight);
  if (in_force) {
    counts.stable = std::max(counts.stable, pods_for(facts.replicas, in_force->stable, facts.max_weight));
    if (facts.aborted)
      counts.canary = std::max(counts.canary, pods_for(facts.replicas, in_force->canary, facts.max_weight));
  }
  return {at_least_min_pods(facts, counts.canary), at_least_min_pods(facts, counts.stable)};
}

}  // namespace

CanaryStep CanaryStep::of(const Value& step) {
  CanaryStep out;
  out.set_weight = optional_count(step.at("setWeight"));
  if (const Value* scale = step.find("setCanaryScale"); scale != nullptr && scale->is_object()) {
    out.scale = CanaryScale{.replicas = optional_count(scale->at("replicas")),
                            .weight = optional_count(scale->at("weight")),
                            .match_traffic_weight = scale->at("matchTrafficWeight").bool_or(false)};
  }
  return out;
}

Fences Fences::resolve(const Value& max_surge, const Value& max_unavailable, std::int32_t replicas) {
  const auto surge = resolve_count(max_surge, replicas, true);
  const auto unavailable = resolve_count(max_unavailable, replicas, false);
  if (!surge || !unavailable) return {};
  const bool stuck = *surge == 0 && *unavailable == 0;
  return {*surge, replicas == 0 ? 0 : std::min(stuck ? 1 : *unavailable, replicas)};
}

std::optional<std::size_t> CanaryFacts::current_step() const {
  const auto index = static_cast<std::size_t>(std::max(0, step_index.value_or(0)));
  return index < steps.size() ? std::optional(index) : std::nullopt;
}

std::int32_t current_set_weight(const CanaryFacts& facts) {
  if (facts.aborted) return 0;
  const auto current = facts.current_step();
  if (!current) return facts.max_weight;
  for (std::size_t i = *current + 1; i-- > 0;)
    if (facts.steps[i].set_weight) return *facts.steps[i].set_weight;
  return 0;
}

std::int32_t desired_canary_weight(const CanaryFacts& facts) {
  if (!facts.aborted || !facts.dynamic_stable_scale || !facts.canary || !facts.stable) return current_set_weight(facts);
  // Down to the next lower step, once stable carries what the canary gives up.
  const std::int32_t pods = std::max(facts.replicas - facts.stable->available, facts.canary->available);
  for (std::size_t i = facts.steps.size(); i-- > 0;) {
    const auto& weight = facts.steps[i].set_weight;
    if (weight && pods_for(facts.replicas, *weight, facts.max_weight) < pods) return *weight;
  }
  return 0;
}

CanaryCounts wanted_counts(const CanaryFacts& facts, const std::optional<TrafficShares>& in_force) {
  return facts.routed ? routed_counts(facts, in_force) : PodSplit(facts).run();
}

bool enough_available(const CanaryFacts& facts, const std::optional<ReplicaCounts>& counts, std::int32_t wanted) {
  if (!facts.threshold || !counts || facts.threshold->value < 0)
    return counts && counts->desired == wanted && counts->available == wanted;
  if (!facts.threshold->percent) return counts->available >= facts.threshold->value;
  if (wanted == 0) return true;
  constexpr double kTolerance = 1e-10;
  const double percent = static_cast<double>(counts->available) / wanted * 100;
  return percent >= facts.threshold->value || std::abs(percent - facts.threshold->value) <= kTolerance;
}

bool counts_reached(const CanaryFacts& facts, const std::optional<TrafficShares>& in_force) {
  const CanaryCounts wanted = wanted_counts(facts, in_force);
  if (!enough_available(facts, facts.canary, wanted.canary)) return false;
  if (!facts.routed || !facts.dynamic_stable_scale) {
    const auto& stable = facts.stable;
    if (!stable || stable->desired != wanted.stable || stable->created != wanted.stable) return false;
  }
  // With a router older pods get no traffic, so they may stay.
  return facts.routed || facts.other_available == 0;
}

std::int32_t weight_in_retreat(const CanaryFacts& facts, const std::optional<TrafficShares>& in_force) {
  if (!facts.dynamic_stable_scale || !facts.stable || !facts.canary || facts.replicas == 0) return 0;
  const std::int32_t desired = desired_canary_weight(facts);
  const std::int32_t carried = facts.max_weight * facts.stable->available / facts.replicas;
  const std::int32_t left = std::max(0, facts.max_weight - carried);
  if (!in_force) return std::max(left, desired);
  // Never up again because a stable pod restarts.
  if (desired <= 0) return std::min(left, in_force->canary);
  if (carried < facts.max_weight - desired) return in_force->canary;
  return std::min(desired, in_force->canary);
}

}  // namespace fairlead::control
