// Source: k8s.io/apiextensions-apiserver/pkg/controller/{establish,finalizer,status}.
#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/control/cluster_controllers.h"
#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kFinalizer = "customresourcecleanup.apiextensions.k8s.io";

bool has_finalizer(const api::Object& object) {
  const auto& finalizers = object.at("metadata", "finalizers").items();
  return std::ranges::any_of(finalizers, [](const Value& f) { return f.str() == kFinalizer; });
}

/// Names that definitions of a group hold already.
struct TakenNames {
  std::set<std::string, std::less<>> resources;
  std::set<std::string, std::less<>> kinds;
};

/// Which names a definition gets, and why not all that it asks for.
struct Naming {
  Value accepted;
  std::string conflict;  ///< The condition's reason; empty where there is none.
  std::string message;
};

/// Source: controller/status/naming_controller.go, calculateNamesAndConditions: the last conflict is the one told.
Naming settle_names(const Value& asked, const Value& held, const TakenNames& taken) {
  Naming out{held.is_object() ? held : Value::object(), {}, {}};
  const auto take = [&](std::string_view field, const auto& names, std::string_view reason) {
    const std::string_view wanted = asked.at(field).str();
    if (wanted == held.at(field).str() || !names.contains(wanted))
      return void(out.accepted.set(field, asked.at(field)));
    out.conflict = reason;
    out.message = fmt::format("\"{}\" is already in use", wanted);
  };
  take("plural", taken.resources, "PluralConflict");
  take("singular", taken.resources, "SingularConflict");
  std::vector<std::string> refused;
  const auto& own = held.at("shortNames").items();
  for (const Value& name : asked.at("shortNames").items()) {
    if (std::ranges::find(own, name) == own.end() && taken.resources.contains(name.str()))
      refused.push_back(fmt::format("\"{}\" is already in use", name.str()));
  }
  if (refused.empty()) {
    out.accepted.erase("shortNames");
    if (!asked.at("shortNames").empty()) out.accepted.set("shortNames", asked.at("shortNames"));
  } else {
    out.conflict = "ShortNamesConflict";
    out.message = refused.size() == 1 ? refused.front() : fmt::format("[{}]", fmt::join(refused, ", "));
  }
  take("kind", taken.kinds, "KindConflict");
  take("listKind", taken.kinds, "ListKindConflict");
  out.accepted.erase("categories");
  if (!asked.at("categories").empty()) out.accepted.set("categories", asked.at("categories"));
  return out;
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
    if (&object.resource() == &definitions_) {
      queue.add(object.key());
      // Names that it held, or asked for in vain, are there for others of its group.
      if (event.type != api::Event::Type::kAdded) offer_others(object, queue);
      return;
    }
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
  void offer_others(const api::Object& definition, Queue& queue) const {
    for (const api::ObjectPtr& other : api_.list(definitions_)) {
      const bool same_group = other->at("spec", "group") == definition.at("spec", "group");
      if (same_group && other->name() != definition.name() &&
          other->at("spec", "names") != other->at("status", "acceptedNames"))
        queue.add(other->key());
    }
  }

  [[nodiscard]] TakenNames taken_names(std::string_view group) const {
    TakenNames out;
    for (const api::ObjectPtr& definition : api_.list(definitions_)) {
      if (definition->at("spec", "group").str() != group) continue;
      const Value& names = definition->at("status", "acceptedNames");
      for (const std::string_view field : {"plural", "singular"}) out.resources.emplace(names.at(field).str());
      for (const Value& name : names.at("shortNames").items()) out.resources.emplace(name.str());
      for (const std::string_view field : {"kind", "listKind"}) out.kinds.emplace(names.at(field).str());
    }
    return out;
  }

  /// Serves the kind under the names that it gets, once it got them all.
  Result<Again> establish(const api::Object& definition) {
    const Value& spec = definition.at("spec");
    const Naming naming =
        settle_names(spec.at("names"), definition.at("status", "acceptedNames"), taken_names(spec.at("group").str()));
    const bool served = naming.conflict.empty() || api::condition_holds(definition.at("status"), "Established");
    std::string refused;
    if (served) {
      Value named = definition.tree();
      named.make("status").set("acceptedNames", naming.accepted);
      if (const auto added = schema_.add_definition(named); !added) refused = added.error().to_string();
    }
    const Time now = api_.clock().now();
    const auto said = api_.mutate(definition.key(), api::Subresource::kStatus, [&](Value& tree) {
      Value& status = tree["status"];
      status.set("acceptedNames", naming.accepted);
      if (naming.conflict.empty()) {
        set_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
      } else {
        set_condition(status, "NamesAccepted", "False", naming.conflict, naming.message, now);
      }
      if (!served) {
        set_condition(status, "Established", "False", "NotAccepted", "not all names are accepted", now);
      } else if (refused.empty()) {
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
    const auto said = api_.mutate(definition.key(), api::Subresource::kStatus, [&](Value& tree) {
      set_condition(tree["status"], "Terminating", "True", "InstanceDeletionInProgress",
                    "CustomResource deletion is in progress", api_.clock().now());
    });
    if (!said && !said.error().not_found()) return fail("{}", said.error().message);
    const Value& spec = definition.at("spec");
    if (const auto* kept = schema_.stored(spec.at("group").str(), spec.at("names", "plural").str())) {
      for (const api::ObjectPtr& object : api_.list(*kept)) {
        if (!object->deleting()) (void)api_.remove(object->key(), {.propagation = api::Propagation::kBackground});
      }
      if (!api_.list(*kept).empty()) return Again::when_changed();
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
