// Source: pkg/controller/namespace/deletion/namespaced_resources_deleter.go.
#include <utility>

#include "engine/control/cluster_controllers.h"

namespace fairlead::control {
namespace {

constexpr Duration kLookAgain = std::chrono::seconds(5);

class NamespaceController final : public Reconciler {
 public:
  explicit NamespaceController(api::Api& api) : api_(api), namespaces_(api.schema().resource("", "namespaces")) {}

  [[nodiscard]] std::string_view name() const override { return "namespace"; }

  void observe(const api::Event& event, Queue& queue) override {
    const api::Object& object = *event.object;
    if (&object.resource() == &namespaces_) {
      if (object.deleting()) queue.add(object.key());
      return;
    }
    if (event.type != api::Event::Type::kDeleted || object.ns().empty()) return;
    const api::ObjectPtr space = api_.get(namespaces_, {}, object.ns());
    if (space && space->deleting()) queue.add(space->key());
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr space = api_.get(key);
    if (!space || !space->deleting()) return Again::when_changed();
    const std::size_t left = empty(key.name);
    if (left > 0) return say_what_is_left(key, left);
    const auto done = api_.mutate(key, api::Subresource::kFinalize, [](Value& tree) {
      Value::Array kept;
      for (const Value& finalizer : tree.at("spec", "finalizers").items()) {
        if (finalizer.str() != "kubernetes") kept.push_back(finalizer);
      }
      tree.make("spec").set("finalizers", std::move(kept));
    });
    if (!done && !done.error().not_found()) return fail("{}", done.error().message);
    return Again::when_changed();
  }

 private:
  /// Removes everything in the namespace; returns how many objects are still there.
  std::size_t empty(const std::string& ns) {
    std::size_t left = 0;
    for (const api::Resource* resource : api_.schema().resources()) {
      if (resource->storage != resource || !resource->namespaced) continue;
      for (const api::ObjectPtr& object : api_.list(*resource, ns)) {
        if (!object->deleting()) (void)api_.remove(object->key(), {.propagation = api::Propagation::kBackground});
        if (api_.get(object->key())) ++left;
      }
    }
    return left;
  }

  Result<Again> say_what_is_left(const api::Key& key, std::size_t left) {
    const auto said = api_.mutate(key, api::Subresource::kStatus, [&](Value& tree) {
      Value& conditions = tree.make("status", "conditions");
      const std::string message = fmt::format("{} objects are still ending or held back by finalizers", left);
      std::string since = format_time(api_.clock().now());
      if (!conditions.empty()) since = conditions.at(0, "lastTransitionTime").str();
      conditions = Value::array({Value::object({{"type", "NamespaceContentRemaining"},
                                                {"status", "True"},
                                                {"lastTransitionTime", since},
                                                {"reason", "SomeResourcesRemain"},
                                                {"message", message}})});
    });
    if (!said) return fail("{}", said.error().message);
    // A removal may have been refused for a moment; nothing else would look again.
    return Again::in(kLookAgain);
  }

  api::Api& api_;
  const api::Resource& namespaces_;
};

}  // namespace

std::unique_ptr<Reconciler> make_namespace_controller(api::Api& api) {
  return std::make_unique<NamespaceController>(api);
}

}  // namespace fairlead::control
