// Source: pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
#include <algorithm>
#include <utility>

#include "engine/api/selector.h"
#include "engine/control/cluster_controllers.h"

namespace fairlead::control {
namespace {

class ClusterRoleAggregation final : public Reconciler {
 public:
  explicit ClusterRoleAggregation(api::Api& api)
      : api_(api), roles_(api.schema().resource("rbac.authorization.k8s.io", "clusterroles")) {}

  [[nodiscard]] std::string_view name() const override { return "clusterrole-aggregation"; }

  /// Whatever changed may belong to any of those that gather.
  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() != &roles_) return;
    for (const api::ObjectPtr& role : api_.list(roles_)) {
      if (role->tree().has("aggregationRule")) queue.add(role->key());
    }
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr role = api_.get(key);
    if (!role || !role->tree().has("aggregationRule")) return Again::when_changed();
    const auto written = api_.mutate(key, api::Subresource::kNone, [&](Value& tree) {
      Value rules = gathered(*role);
      if (rules.items() != tree.at("rules").items()) tree.set("rules", std::move(rules));
    });
    if (!written && !written.error().not_found()) return fail("{}", written.error().message);
    return Again::when_changed();
  }

 private:
  [[nodiscard]] Value gathered(const api::Object& role) const {
    Value rules = Value::array();
    for (const Value& text : role.at("aggregationRule", "clusterRoleSelectors").items()) {
      const auto selector = api::Selector::from_label_selector(text);
      if (!selector) continue;
      for (const api::ObjectPtr& part : api_.list(roles_, {}, *selector)) {
        if (part->name() == role.name()) continue;
        for (const Value& rule : part->at("rules").items()) {
          if (std::ranges::find(rules.items(), rule) == rules.items().end()) rules.push_back(rule);
        }
      }
    }
    return rules;
  }

  api::Api& api_;
  const api::Resource& roles_;
};

}  // namespace

std::unique_ptr<Reconciler> make_cluster_role_aggregation(api::Api& api) {
  return std::make_unique<ClusterRoleAggregation>(api);
}

}  // namespace fairlead::control
