#include "engine/control/deployment_sync.h"
#include "engine/control/ownership.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

class DeploymentController final : public Reconciler {
 public:
  explicit DeploymentController(api::Api& api)
      : api_(api),
        deployments_(api.schema().resource("apps", "deployments")),
        sets_(api.schema().resource("apps", "replicasets")),
        pods_(api.schema().resource("", "pods")),
        events_(api, "deployment-controller") {}

  [[nodiscard]] std::string_view name() const override { return "deployment"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() == &deployments_) return queue.add(event.object->key());
    if (&event.object->resource() == &pods_) {
      if (event.type == api::Event::Type::kDeleted) offer_ended_pod(*event.object, queue);
      return;
    }
    if (&event.object->resource() != &sets_) return;
    for (const api::ObjectPtr& set : {event.before, event.object}) {
      if (set == nullptr) continue;
      if (const auto owner = controller_key(*set, deployments_)) queue.add(*owner);
    }
    if (event.type != api::Event::Type::kDeleted && controller_of(event.object->tree()).is_null()) {
      offer_orphan(*event.object, queue);
    }
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr deployment = api_.get(key);
    if (deployment == nullptr) return Again::when_changed();
    return DeploymentSync(api_, events_, deployment).run();
  }

 private:
  void offer_orphan(const api::Object& set, Queue& queue) {
    for (const api::ObjectPtr& deployment : api_.list(deployments_, set.ns())) {
      const auto selector = api::Selector::from_label_selector(deployment->at("spec", "selector"));
      if (selector && selector->matches(set.at("metadata", "labels"))) queue.add(deployment->key());
    }
  }

  /// Recreate waits until the last old pod is gone.
  void offer_ended_pod(const api::Object& pod, Queue& queue) {
    const auto set_key = controller_key(pod, sets_);
    if (!set_key) return;
    const api::ObjectPtr set = api_.get(*set_key);
    if (set == nullptr) return;
    if (const auto owner = controller_key(*set, deployments_)) queue.add(*owner);
  }

  api::Api& api_;
  const api::Resource& deployments_;
  const api::Resource& sets_;
  const api::Resource& pods_;
  EventRecorder events_;
};

}  // namespace

std::unique_ptr<Reconciler> make_deployment_controller(api::Api& api) {
  return std::make_unique<DeploymentController>(api);
}

}  // namespace fairlead::control
