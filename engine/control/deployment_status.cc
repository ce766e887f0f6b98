// Source: pkg/controller/deployment/sync.go (calculateStatus), progress.go (syncRolloutStatus).
#include <algorithm>
#include <utility>

#include "engine/control/conditions.h"
#include "engine/control/deployment_math.h"
#include "engine/control/deployment_sync.h"

namespace fairlead::control {
namespace {

/// Whether anything moved between two statuses. Source: deployment_util.go, DeploymentProgressing.
bool progressed(const Value& before, const Value& after) {
  const auto old_replicas = [](const Value& s) {
    return s.at("replicas").int_or(0) - s.at("updatedReplicas").int_or(0);
  };
  const auto grew = [&](std::string_view field) { return after.at(field).int_or(0) > before.at(field).int_or(0); };
  return grew("updatedReplicas") || old_replicas(after) < old_replicas(before) || grew("readyReplicas") ||
         grew("availableReplicas");
}

}  // namespace

std::string DeploymentSync::subject() const {
  return new_ != nullptr ? fmt::format("ReplicaSet \"{}\"", new_->name())
                         : fmt::format("Deployment \"{}\"", deployment_->name());
}

void DeploymentSync::set_progressing(Value& status, std::string_view holds, std::string_view reason,
                                     const std::string& message) const {
  set_updated_condition(status, "Progressing", holds, reason, message, api_.clock().now());
}

Value DeploymentSync::calculated_status() const {
  const std::vector<api::ObjectPtr> sets = all();
  const std::int64_t available = sum_of_status(sets, "availableReplicas");
  Value status = tree().at("status");
  status.set("observedGeneration", tree().at("metadata", "generation").int_or(0));
  set_count(status, "replicas", sum_of_status(sets, "replicas"));
  set_count(status, "updatedReplicas", new_ == nullptr ? 0 : new_->at("status", "replicas").int_or(0));
  set_count(status, "readyReplicas", sum_of_status(sets, "readyReplicas"));
  set_count(status, "availableReplicas", available);
  set_count(status, "unavailableReplicas", std::max<std::int64_t>(0, sum_of_replicas(sets) - available));
  status.set("terminatingReplicas", sum_of_status(sets, "terminatingReplicas"));
  const bool enough = available >= replicas_of(tree()) - fenceposts(tree()).unavailable;
  set_updated_condition(
      status, "Available", enough ? "True" : "False",
      enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
      enough ? "Deployment has minimum availability." : "Deployment does not have minimum availability.",
      api_.clock().now());
  return status;
}

Result<> DeploymentSync::write_status(const Value& status) {
  const auto written =
      api_.mutate(deployment_->key(), api::Subresource::kStatus, [&](Value& object) { object.set("status", status); });
  if (!written) return fail("{}", written.error().message);
  deployment_ = *written;
  return {};
}

Result<Again> DeploymentSync::sync_status() {
  if (auto done = write_status(calculated_status()); !done) return std::unexpected(done.error());
  return Again::when_changed();
}

bool DeploymentSync::complete(const Value& status) const {
  const std::int64_t wanted = replicas_of(tree());
  return status.at("updatedReplicas").int_or(0) == wanted && status.at("replicas").int_or(0) == wanted &&
         status.at("availableReplicas").int_or(0) == wanted &&
         status.at("observedGeneration").int_or(0) >= tree().at("metadata", "generation").int_or(0);
}

bool DeploymentSync::timed_out(const Value& status) const {
  const Value& condition = condition_called(status, "Progressing");
  if (condition.is_null() || condition.at("reason").str() == "NewReplicaSetAvailable") return false;
  if (condition.at("reason").str() == "ProgressDeadlineExceeded") return true;
  const Time since = parse_time(condition.at("lastUpdateTime").str()).value_or(Time());
  return since + std::chrono::seconds(tree().at("spec", "progressDeadlineSeconds").int_or(0)) < api_.clock().now();
}

void DeploymentSync::judge_progress(Value& status) const {
  const Value current = condition_called(tree().at("status"), "Progressing");
  if (complete(status)) {
    set_progressing(status, "True", "NewReplicaSetAvailable", subject() + " has successfully progressed.");
  } else if (progressed(tree().at("status"), status)) {
    // The one condition whose lastUpdateTime moves though nothing else about it changes: the deadline counts from it.
    drop_condition(status, "Progressing");
    set_progressing(status, "True", "ReplicaSetUpdated", subject() + " is progressing.");
    if (current.at("status").str() == "True") {
      Value kept = condition_called(status, "Progressing");
      kept.set("lastTransitionTime", current.at("lastTransitionTime"));
      put_condition(status, std::move(kept));
    }
  } else if (timed_out(status)) {
    set_progressing(status, "False", "ProgressDeadlineExceeded", subject() + " has timed out progressing.");
  }
}

Result<Again> DeploymentSync::sync_rollout_status() {
  Value status = calculated_status();
  const bool deadline = has_progress_deadline(tree());
  if (!deadline) drop_condition(status, "Progressing");
  const Value& current = condition_called(tree().at("status"), "Progressing");
  const bool settled =
      status.at("replicas") == status.at("updatedReplicas") && current.at("reason").str() == "NewReplicaSetAvailable";
  if (deadline && !settled) judge_progress(status);

  Value failure;
  for (const api::ObjectPtr& set : all()) {  // The new one is last and wins.
    const Value& found = condition_called(set->at("status"), "ReplicaFailure");
    if (!found.is_null() && (failure.is_null() || set == new_)) failure = found;
  }
  if (failure.is_null()) {
    drop_condition(status, "ReplicaFailure");
  } else {
    set_updated_condition(status, "ReplicaFailure", failure.at("status").str(), failure.at("reason").str(),
                          failure.at("message").str(), api_.clock().now());
  }
  if (auto done = write_status(status); !done) return std::unexpected(done.error());

  const Value& progressing = condition_called(tree().at("status"), "Progressing");
  const bool judged = progressing.is_null() || progressing.at("reason").str() == "ProgressDeadlineExceeded";
  if (!deadline || judged || complete(status)) return Again::when_changed();
  const Time since = parse_time(progressing.at("lastUpdateTime").str()).value_or(Time());
  const Duration limit = std::chrono::seconds(tree().at("spec", "progressDeadlineSeconds").int_or(0) + 1);
  return Again::in(std::max(since + limit - api_.clock().now(), Duration(1000)));
}

}  // namespace fairlead::control
