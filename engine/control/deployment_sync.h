// One reconciliation of one Deployment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/api/api.h"
#include "engine/control/event_recorder.h"
#include "engine/control/reconciler.h"

namespace fairlead::control {

/// Holds the Deployment and its ReplicaSets as they are, and takes the steps of
/// pkg/controller/deployment/deployment_controller.go, syncDeployment. Lives for one call of `run`.
class DeploymentSync {
 public:
  DeploymentSync(api::Api& api, const EventRecorder& events, api::ObjectPtr deployment);

  [[nodiscard]] Result<Again> run();

 private:
  // deployment_sync.cc: which steps, in which order.
  Result<> refresh();
  Result<> note_pause();
  [[nodiscard]] bool is_scaling() const;
  Result<Again> roll();
  Result<Again> recreate();
  [[nodiscard]] bool old_pods_running() const;

  // deployment_revision.cc: the ReplicaSet of the template.
  Result<> sync_revision(bool create);
  Result<> adopt_revision(const api::Object& set, std::int64_t revision);
  Result<> create_set(std::int64_t revision);
  Result<> resolve_collision(const api::Status& refusal, const std::string& name);
  void annotate(Value& set, std::int64_t revision, bool exists) const;
  Result<> clean_up();

  // deployment_scale.cc: sizes.
  Result<bool> scale_to(const api::ObjectPtr& set, std::int64_t size, bool force = false);
  Result<> scale_proportionally();
  Result<bool> grow_new_set();
  Result<bool> shrink_old_sets();
  Result<std::optional<std::int64_t>> remove_unhealthy(std::int64_t most);
  Result<std::int64_t> remove_available();

  // deployment_status.cc
  [[nodiscard]] Value calculated_status() const;
  Result<> write_status(const Value& status);
  Result<Again> sync_status();
  Result<Again> sync_rollout_status();
  void judge_progress(Value& status) const;
  [[nodiscard]] bool complete(const Value& status) const;
  [[nodiscard]] bool timed_out(const Value& status) const;
  void set_progressing(Value& status, std::string_view holds, std::string_view reason,
                       const std::string& message) const;
  [[nodiscard]] std::string subject() const;

  [[nodiscard]] const Value& tree() const { return deployment_->tree(); }
  [[nodiscard]] std::vector<api::ObjectPtr> all() const;

  api::Api& api_;
  const EventRecorder& events_;
  const api::Resource& sets_resource_;
  const api::Resource& pods_resource_;
  api::ObjectPtr deployment_;
  std::vector<api::ObjectPtr> old_;  ///< Oldest first.
  api::ObjectPtr new_;               ///< Null when no ReplicaSet has the template.
};

}  // namespace fairlead::control
