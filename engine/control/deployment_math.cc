#include "engine/control/deployment_math.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace fairlead::control {

std::int64_t scaled_value(const Value& int_or_percent, std::int64_t total, bool round_up) {
  if (!int_or_percent.is_string()) return int_or_percent.int_or(0);
  std::string_view text = int_or_percent.str();
  if (!text.ends_with('%')) return 0;
  text.remove_suffix(1);
  std::int64_t percent = 0;
  std::from_chars(text.data(), text.data() + text.size(), percent);
  return (percent * total + (round_up ? 99 : 0)) / 100;
}

bool is_rolling_update(const Value& deployment) {
  return deployment.at("spec", "strategy", "type").string_or("RollingUpdate") == "RollingUpdate";
}

Fenceposts fenceposts(const Value& deployment) {
  if (!is_rolling_update(deployment)) return {};
  const Value& rolling = deployment.at("spec", "strategy", "rollingUpdate");
  const std::int64_t replicas = replicas_of(deployment);
  Fenceposts out{scaled_value(rolling.at("maxSurge"), replicas, true),
                 scaled_value(rolling.at("maxUnavailable"), replicas, false)};
  if (out.surge == 0 && out.unavailable == 0) out.unavailable = 1;
  out.unavailable = std::min(out.unavailable, replicas);
  return out;
}

bool has_progress_deadline(const Value& deployment) {
  const Value& deadline = deployment.at("spec", "progressDeadlineSeconds");
  return deadline.is_int() && deadline.int_or(0) != std::numeric_limits<std::int32_t>::max();
}

std::int64_t replicas_of(const Value& object) { return object.at("spec", "replicas").int_or(1); }

std::int64_t sum_of_replicas(const std::vector<api::ObjectPtr>& sets) {
  std::int64_t sum = 0;
  for (const api::ObjectPtr& set : sets) sum += replicas_of(set->tree());
  return sum;
}

std::int64_t sum_of_status(const std::vector<api::ObjectPtr>& sets, std::string_view field) {
  std::int64_t sum = 0;
  for (const api::ObjectPtr& set : sets) sum += set->at("status", field).int_or(0);
  return sum;
}

std::optional<std::int64_t> number_annotation(const api::Object& set, std::string_view annotation) {
  const std::string_view text = set.annotation(annotation);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::int64_t new_set_size(const Value& deployment, std::int64_t all_pods, std::int64_t new_set_pods) {
  const std::int64_t replicas = replicas_of(deployment);
  if (!is_rolling_update(deployment)) return replicas;
  const Value& surge = deployment.at("spec", "strategy", "rollingUpdate", "maxSurge");
  const std::int64_t most = replicas + scaled_value(surge, replicas, true);
  if (all_pods >= most) return new_set_pods;
  return new_set_pods + std::min(most - all_pods, replicas - new_set_pods);
}

std::int64_t proportion(const api::Object& set, const Value& deployment, std::int64_t to_add, std::int64_t added) {
  const std::int64_t size = replicas_of(set.tree());
  if (size == 0 || to_add == 0 || to_add == added) return 0;
  std::int64_t fraction = -size;
  if (replicas_of(deployment) != 0) {
    const std::int64_t now_most = replicas_of(deployment) + fenceposts(deployment).surge;
    std::int64_t most_before = number_annotation(set, kMaxReplicas).value_or(0);
    if (most_before == 0) most_before = deployment.at("status", "replicas").int_or(0);
    if (most_before == 0) return 0;
    fraction = std::llround(static_cast<double>(size * now_most) / static_cast<double>(most_before)) - size;
  }
  const std::int64_t allowed = to_add - added;
  return to_add > 0 ? std::min(fraction, allowed) : std::max(fraction, allowed);
}

}  // namespace fairlead::control
