#include "engine/control/deployment_sync.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "engine/control/conditions.h"
#include "engine/control/deployment_math.h"
#include "engine/control/ownership.h"
#include "engine/control/pod_state.h"
#include "engine/control/pod_template.h"

namespace fairlead::control {

DeploymentSync::DeploymentSync(api::Api& api, const EventRecorder& events, api::ObjectPtr deployment)
    : api_(api),
      events_(events),
      sets_resource_(api.schema().resource("apps", "replicasets")),
      pods_resource_(api.schema().resource("", "pods")),
      deployment_(std::move(deployment)) {}

Result<Again> DeploymentSync::run() {
  if (tree().at("spec", "selector").empty()) {
    events_.warning(*deployment_, "SelectingAll",
                    "This deployment is selecting all pods. A non-empty selector is required.");
    return Again::when_changed();
  }
  if (auto done = refresh(); !done) return std::unexpected(done.error());
  if (deployment_->deleting()) return sync_status();
  if (auto done = note_pause(); !done) return std::unexpected(done.error());
  if (tree().at("spec", "paused").bool_or(false) || is_scaling()) {
    if (auto done = sync_revision(false); !done) return std::unexpected(done.error());
    if (auto done = scale_proportionally(); !done) return std::unexpected(done.error());
    if (tree().at("spec", "paused").bool_or(false)) {
      if (auto done = clean_up(); !done) return std::unexpected(done.error());
    }
    return sync_status();
  }
  return is_rolling_update(tree()) ? roll() : recreate();
}

/// Reads the Deployment and its ReplicaSets again, because a step has written.
Result<> DeploymentSync::refresh() {
  const api::ObjectPtr fresh = api_.get(deployment_->key());
  if (fresh == nullptr || fresh->uid() != deployment_->uid()) return fail("the Deployment is gone");
  deployment_ = fresh;
  const auto selector = api::Selector::from_label_selector(tree().at("spec", "selector"));
  if (!selector) return std::unexpected(selector.error());
  auto claimed = claim(api_, *deployment_, sets_resource_, *selector);
  if (!claimed) return std::unexpected(claimed.error());
  std::ranges::sort(*claimed, {}, [](const api::ObjectPtr& set) {
    return std::tuple(set->at("metadata", "creationTimestamp").str(), set->name());
  });
  old_.clear();
  new_ = nullptr;
  for (const api::ObjectPtr& set : *claimed) {
    const bool same = same_template(set->at("spec", "template"), tree().at("spec", "template"), kPodTemplateHash);
    if (new_ == nullptr && same) {
      new_ = set;
    } else {
      old_.push_back(set);
    }
  }
  return {};
}

std::vector<api::ObjectPtr> DeploymentSync::all() const {
  std::vector<api::ObjectPtr> out = old_;
  if (new_ != nullptr) out.push_back(new_);
  return out;
}

/// So that the progress deadline does not run while a Deployment is paused. Source: sync.go, checkPausedConditions.
Result<> DeploymentSync::note_pause() {
  const Value& progressing = condition_called(tree().at("status"), "Progressing");
  if (!has_progress_deadline(tree()) || progressing.at("reason").str() == "ProgressDeadlineExceeded") return {};
  const bool paused = tree().at("spec", "paused").bool_or(false);
  const bool noted = progressing.at("reason").str() == "DeploymentPaused";
  if (paused == noted) return {};
  Value status = tree().at("status");
  set_progressing(status, "Unknown", paused ? "DeploymentPaused" : "DeploymentResumed",
                  paused ? "Deployment is paused" : "Deployment is resumed");
  return write_status(status);
}

/// Source: sync.go, isScalingEvent.
bool DeploymentSync::is_scaling() const {
  return std::ranges::any_of(all(), [&](const api::ObjectPtr& set) {
    if (replicas_of(set->tree()) == 0) return false;
    const auto desired = number_annotation(*set, kDesiredReplicas);
    return desired && *desired != replicas_of(tree());
  });
}

/// Source: rolling.go, rolloutRolling.
Result<Again> DeploymentSync::roll() {
  if (auto done = sync_revision(true); !done) return std::unexpected(done.error());
  const auto grown = grow_new_set();
  if (!grown) return std::unexpected(grown.error());
  if (*grown) return sync_rollout_status();
  const auto shrunk = shrink_old_sets();
  if (!shrunk) return std::unexpected(shrunk.error());
  if (*shrunk) return sync_rollout_status();
  if (complete(tree().at("status"))) {
    if (auto done = clean_up(); !done) return std::unexpected(done.error());
  }
  return sync_rollout_status();
}

/// Source: recreate.go, rolloutRecreate.
Result<Again> DeploymentSync::recreate() {
  if (auto done = sync_revision(false); !done) return std::unexpected(done.error());
  bool scaled_down = false;
  for (const api::ObjectPtr& set : std::vector(old_)) {
    if (replicas_of(set->tree()) == 0) continue;
    const auto scaled = scale_to(set, 0);
    if (!scaled) return std::unexpected(scaled.error());
    scaled_down = scaled_down || *scaled;
  }
  if (scaled_down || old_pods_running()) return sync_rollout_status();
  if (new_ == nullptr) {
    if (auto done = sync_revision(true); !done) return std::unexpected(done.error());
  }
  if (const auto scaled = scale_to(new_, replicas_of(tree())); !scaled) return std::unexpected(scaled.error());
  if (complete(tree().at("status"))) {
    if (auto done = clean_up(); !done) return std::unexpected(done.error());
  }
  return sync_rollout_status();
}

bool DeploymentSync::old_pods_running() const {
  if (sum_of_status(old_, "replicas") > 0) return true;
  for (const api::ObjectPtr& set : old_) {
    for (const api::ObjectPtr& pod : api_.store().owned(set->uid())) {
      if (&pod->resource() == &pods_resource_ && !pod_is_terminal(pod->tree())) return true;
    }
  }
  return false;
}

}  // namespace fairlead::control
