// Source: k8s.io/apiextensions-apiserver/pkg/controller/{establish,finalizer,status}.
#include <algorithm>
#include <utility>

#include "engine/control/cluster_controllers.h"
#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kFinalizer = "customresourcecleanup.apiextensions.k8s.io";

bool has_finalizer(const api::Object& object) {
  const auto& finalizers = object.at("metadata", "finalizers").items();
  return std::ranges::any_of(finalizers, [](const Value& f) { return f.str() == kFinalizer; });
}

class DefinitionController final : public Reconciler {
 public:
  DefinitionController(api::Api& api, api::Schema& schema)
      : api_(api),
        schema_(schema),
        definitions_(schema.resource("apiextensions.k8s.io", "customresourcedefinitions")) {}

  [[nodiscard]] std::string_view name() const override { return "custom-resource-definition"; }

  void observe(const api::Event& event, Queue& queue) override {
    const api::Object& object = *event.object;
    if (&object.resource() == &definitions_) return queue.add(object.key());
    if (event.type != api::Event::Type::kDeleted) return;
    api::Key definition{&definitions_, "", fmt::format("{}.{}", object.resource().plural, object.resource().group)};
    if (const api::ObjectPtr known = api_.get(definition); known && known->deleting()) queue.add(definition);
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr definition = api_.get(key);
    const auto dot = key.name.find('.');
    if (!definition) {
      if (dot != std::string::npos) schema_.remove_definition(key.name.substr(dot + 1), key.name.substr(0, dot));
      return Again::when_changed();
    }
    if (definition->deleting()) return end(*definition);
    if (!has_finalizer(*definition)) {
      const auto held = api_.mutate(key, api::Subresource::kNone,
                                    [](Value& tree) { tree.make("metadata", "finalizers").push_back(kFinalizer); });
      if (!held) return fail("{}", held.error().message);
    }
    return establish(*definition);
  }

 private:
  /// The resource of one version that is served, or null.
  [[nodiscard]] const api::Resource* served(const api::Object& definition) const {
    const Value& spec = definition.at("spec");
    for (const Value& version : spec.at("versions").items()) {
      const auto* found =
          schema_.by_plural(spec.at("group").str(), version.at("name").str(), spec.at("names", "plural").str());
      if (found != nullptr) return found;
    }
    return nullptr;
  }

  Result<Again> establish(const api::Object& definition) {
    std::string refused;
    if (served(definition) == nullptr) {
      if (const auto added = schema_.add_definition(definition.tree()); !added) refused = added.error().to_string();
    }
    const Time now = api_.clock().now();
    const auto said = api_.mutate(definition.key(), api::Subresource::kStatus, [&](Value& tree) {
      const Value spec = tree.at("spec");
      Value& status = tree["status"];
      status.set("acceptedNames", spec.at("names"));
      for (const Value& version : spec.at("versions").items()) {
        if (version.at("storage").bool_or(false)) status.set("storedVersions", Value::array({version.at("name")}));
      }
      set_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
      if (refused.empty()) {
        set_condition(status, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted",
                      now);
      } else {
        set_condition(status, "Established", "False", "Refused", refused, now);
        set_condition(status, "NonStructuralSchema", "True", "Violations", refused, now);
      }
    });
    if (!said && !said.error().not_found()) return fail("{}", said.error().message);
    return Again::when_changed();
  }

  /// Its objects go first; then it may.
  Result<Again> end(const api::Object& definition) {
    if (!has_finalizer(definition)) return Again::when_changed();
    if (const api::Resource* resource = served(definition)) {
      for (const api::ObjectPtr& object : api_.list(*resource->storage)) {
        if (!object->deleting()) (void)api_.remove(object->key(), {.propagation = api::Propagation::kBackground});
      }
      if (!api_.list(*resource->storage).empty()) return Again::when_changed();
    }
    const auto released = api_.mutate(definition.key(), api::Subresource::kNone, [](Value& tree) {
      auto& finalizers = tree.make("metadata", "finalizers").mutable_items();
      std::erase_if(finalizers, [](const Value& f) { return f.str() == kFinalizer; });
    });
    if (!released && !released.error().not_found()) return fail("{}", released.error().message);
    return Again::when_changed();
  }

  api::Api& api_;
  api::Schema& schema_;
  const api::Resource& definitions_;
};

}  // namespace

std::unique_ptr<Reconciler> make_definition_controller(api::Api& api, api::Schema& schema) {
  return std::make_unique<DefinitionController>(api, schema);
}

}  // namespace fairlead::control
