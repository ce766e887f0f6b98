// Source: pkg/controller/serviceaccount/serviceaccounts_controller.go and
// pkg/controller/certificates/rootcacertpublisher.
#include <utility>

#include "engine/control/cluster_controllers.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kRootCa = "kube-root-ca.crt";

class ServiceAccountController final : public Reconciler {
 public:
  ServiceAccountController(api::Api& api, std::string root_ca)
      : api_(api),
        namespaces_(api.schema().resource("", "namespaces")),
        accounts_(api.schema().resource("", "serviceaccounts")),
        config_maps_(api.schema().resource("", "configmaps")),
        root_ca_(std::move(root_ca)) {}

  [[nodiscard]] std::string_view name() const override { return "service-account"; }

  void observe(const api::Event& event, Queue& queue) override {
    const api::Object& object = *event.object;
    const bool ours = (&object.resource() == &accounts_ && object.name() == "default") ||
                      (&object.resource() == &config_maps_ && object.name() == kRootCa);
    if (ours) queue.add({&namespaces_, {}, std::string(object.ns())});
    if (&object.resource() == &namespaces_ && event.type != api::Event::Type::kDeleted) queue.add(object.key());
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr space = api_.get(key);
    if (!space || space->deleting()) return Again::when_changed();
    if (!api_.get(accounts_, key.name, "default")) {
      const auto made = api_.create(accounts_, key.name, named("default"));
      if (!made) return fail("{}", made.error().message);
    }
    const api::ObjectPtr published = api_.get(config_maps_, key.name, kRootCa);
    if (!published) {
      Value map = named(kRootCa);
      map.make("data").set("ca.crt", root_ca_);
      const auto made = api_.create(config_maps_, key.name, std::move(map));
      if (!made) return fail("{}", made.error().message);
    } else if (published->at("data", "ca.crt").str() != root_ca_) {
      const auto mended = api_.mutate(published->key(), api::Subresource::kNone,
                                      [&](Value& tree) { tree.make("data").set("ca.crt", root_ca_); });
      if (!mended) return fail("{}", mended.error().message);
    }
    return Again::when_changed();
  }

 private:
  static Value named(std::string_view name) { return Value::object({{"metadata", Value::object({{"name", name}})}}); }

  api::Api& api_;
  const api::Resource& namespaces_;
  const api::Resource& accounts_;
  const api::Resource& config_maps_;
  const std::string root_ca_;
};

}  // namespace

std::unique_ptr<Reconciler> make_service_account_controller(api::Api& api, std::string root_ca) {
  return std::make_unique<ServiceAccountController>(api, std::move(root_ca));
}

}  // namespace fairlead::control
