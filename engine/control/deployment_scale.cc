// Source: pkg/controller/deployment/sync.go (scale, scaleReplicaSet) and rolling.go.
#include <algorithm>
#include <tuple>

#include "engine/control/deployment_math.h"
#include "engine/control/deployment_sync.h"

namespace fairlead::control {
namespace {

std::vector<api::ObjectPtr> active_of(std::vector<api::ObjectPtr> sets) {
  std::erase_if(sets, [](const api::ObjectPtr& set) { return replicas_of(set->tree()) == 0; });
  return sets;
}

}  // namespace

/// True when the number of replicas changed. `force` brings the annotations up to date even when it does not.
Result<bool> DeploymentSync::scale_to(const api::ObjectPtr& set, std::int64_t size, bool force) {
  const std::int64_t before = replicas_of(set->tree());
  if (!force && before == size) return false;
  const auto scaled = api_.mutate(set->key(), api::Subresource::kNone, [&](Value& tree_of_set) {
    tree_of_set.make("spec").set("replicas", size);
    Value& annotations = tree_of_set.make("metadata", "annotations");
    annotations.set(kDesiredReplicas, fmt::format("{}", replicas_of(tree())));
    annotations.set(kMaxReplicas, fmt::format("{}", replicas_of(tree()) + fenceposts(tree()).surge));
  });
  if (!scaled) return fail("{}", scaled.error().message);
  if (before != size) {
    events_.normal(*deployment_, "ScalingReplicaSet",
                   fmt::format("Scaled {} replica set {} from {} to {}", before < size ? "up" : "down", set->name(),
                               before, size));
  }
  if (auto done = refresh(); !done) return std::unexpected(done.error());
  return before != size;
}

/// A changed spec.replicas during a rollout is shared between all ReplicaSets in proportion to their sizes.
Result<> DeploymentSync::scale_proportionally() {
  const std::vector<api::ObjectPtr> active = active_of(all());
  if (active.size() <= 1) {
    api::ObjectPtr only = new_;  // With nothing active: the newest.
    if (only == nullptr && !old_.empty()) only = old_.back();
    if (!active.empty()) only = active.front();
    if (only == nullptr) return {};
    const auto scaled = scale_to(only, replicas_of(tree()));
    return scaled ? Result<>() : std::unexpected(scaled.error());
  }
  const bool saturated = new_ != nullptr && replicas_of(new_->tree()) == replicas_of(tree()) &&
                         number_annotation(*new_, kDesiredReplicas) == replicas_of(tree()) &&
                         new_->at("status", "availableReplicas").int_or(0) == replicas_of(tree());
  if (saturated) {
    for (const api::ObjectPtr& set : active_of(old_)) {
      if (const auto scaled = scale_to(set, 0); !scaled) return std::unexpected(scaled.error());
    }
    return {};
  }
  if (!is_rolling_update(tree())) return {};
  const std::int64_t wanted = replicas_of(tree());
  const std::int64_t to_add = (wanted > 0 ? wanted + fenceposts(tree()).surge : 0) - sum_of_replicas(active);
  // The largest first; among equals the newest when there is something to add, else the oldest.
  std::vector<api::ObjectPtr> by_size = active;
  std::ranges::sort(by_size, [&](const api::ObjectPtr& a, const api::ObjectPtr& b) {
    const auto age = [](const api::ObjectPtr& s) {
      return std::tuple(s->at("metadata", "creationTimestamp").str(), s->name());
    };
    if (replicas_of(a->tree()) != replicas_of(b->tree())) return replicas_of(a->tree()) > replicas_of(b->tree());
    return to_add > 0 ? age(a) > age(b) : age(a) < age(b);
  });
  std::vector<std::int64_t> sizes;
  std::int64_t added = 0;
  for (const api::ObjectPtr& set : by_size) {
    const std::int64_t share = proportion(*set, tree(), to_add, added);
    sizes.push_back(replicas_of(set->tree()) + share);
    added += share;
  }
  sizes.front() = std::max<std::int64_t>(0, sizes.front() + to_add - added);
  for (std::size_t i = 0; i < by_size.size(); ++i) {
    if (const auto scaled = scale_to(by_size[i], sizes[i], true); !scaled) return std::unexpected(scaled.error());
  }
  return {};
}

Result<bool> DeploymentSync::grow_new_set() {
  const std::int64_t size = replicas_of(new_->tree());
  const std::int64_t wanted = replicas_of(tree());
  if (size == wanted) return false;
  if (size > wanted) return scale_to(new_, wanted);
  return scale_to(new_, new_set_size(tree(), sum_of_replicas(all()), size));
}

Result<bool> DeploymentSync::shrink_old_sets() {
  if (sum_of_replicas(old_) == 0) return false;
  const std::int64_t least_available = replicas_of(tree()) - fenceposts(tree()).unavailable;
  const std::int64_t new_unavailable = replicas_of(new_->tree()) - new_->at("status", "availableReplicas").int_or(0);
  const std::int64_t most = sum_of_replicas(all()) - least_available - new_unavailable;
  if (most <= 0) return false;
  const auto unhealthy = remove_unhealthy(most);
  if (!unhealthy) return std::unexpected(unhealthy.error());
  if (!*unhealthy) return false;
  const auto available = remove_available();
  if (!available) return std::unexpected(available.error());
  return **unhealthy + *available > 0;
}

/// Nothing when a status still counts pods that are on their way out: who believed it would take away more than may be
/// missing. Source: cleanupUnhealthyReplicas.
Result<std::optional<std::int64_t>> DeploymentSync::remove_unhealthy(std::int64_t most) {
  const std::vector<api::ObjectPtr> active = active_of(old_);
  const auto unhealthy_of = [](const api::ObjectPtr& set) {
    return replicas_of(set->tree()) - set->at("status", "availableReplicas").int_or(0);
  };
  if (std::ranges::any_of(active, [&](const api::ObjectPtr& set) { return unhealthy_of(set) < 0; }))
    return std::nullopt;
  std::int64_t removed = 0;
  for (const api::ObjectPtr& set : active) {
    if (removed >= most) break;
    const std::int64_t size = replicas_of(set->tree());
    const std::int64_t unhealthy = unhealthy_of(set);
    if (unhealthy == 0) continue;
    const std::int64_t count = std::min(most - removed, unhealthy);
    if (const auto scaled = scale_to(set, size - count); !scaled) return std::unexpected(scaled.error());
    removed += count;
  }
  return removed;
}

/// Source: scaleDownOldReplicaSetsForRollingUpdate.
Result<std::int64_t> DeploymentSync::remove_available() {
  const std::int64_t least_available = replicas_of(tree()) - fenceposts(tree()).unavailable;
  const std::int64_t most = sum_of_status(all(), "availableReplicas") - least_available;
  std::int64_t removed = 0;
  for (const api::ObjectPtr& set : active_of(old_)) {
    if (removed >= most) break;
    const std::int64_t size = replicas_of(set->tree());
    const std::int64_t count = std::min(size, most - removed);
    if (const auto scaled = scale_to(set, size - count); !scaled) return std::unexpected(scaled.error());
    removed += count;
  }
  return removed;
}

}  // namespace fairlead::control
