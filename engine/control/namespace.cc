// Source: pkg/controller/namespace/deletion/namespaced_resources_deleter.go.
#include <map>
#include <set>
#include <utility>

#include "engine/control/cluster_controllers.h"
#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

constexpr Duration kLookAgain = std::chrono::seconds(5);

class NamespaceController final : public Reconciler {
 public:
  explicit NamespaceController(api::Api& api)
      : api_(api), namespaces_(api.schema().resource("", "namespaces")), pods_(api.schema().resource("", "pods")) {}

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
    const Left left = empty(key.name);
    if (left.pods_only || !left.objects.empty()) return say_what_is_left(key, left);
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
  /// What could not be removed yet: how many of which kind, behind which finalizers, and what was refused.
  struct Left {
    bool pods_only = false;                      ///< Pods are left, and nothing else was looked at.
    std::map<std::string, std::size_t> objects;  ///< By "pods." or "deployments.apps", as upstream's message has it.
    std::map<std::string, std::size_t> finalizers;
    std::set<std::string> refusals;
  };

  /// Removes everything in the namespace, as far as it goes. Pods go first and alone, so that none runs on without what
  /// guarded it, a NetworkPolicy say. Source: deleteAllContent.
  Left empty(const std::string& ns) {
    Left left;
    empty_of(pods_, ns, left);
    left.pods_only = !left.objects.empty();
    if (left.pods_only) return left;
    for (const api::Resource* resource : api_.schema().stored()) {
      if (resource->namespaced && resource != &pods_) empty_of(*resource, ns, left);
    }
    return left;
  }

  void empty_of(const api::Resource& resource, const std::string& ns, Left& left) {
    for (const api::ObjectPtr& object : api_.list(resource, ns)) {
      if (!object->deleting()) {
        const auto removed = api_.remove(object->key(), {.propagation = api::Propagation::kBackground});
        if (!removed && !removed.error().not_found()) left.refusals.insert(removed.error().message);
      }
      const api::ObjectPtr still = api_.get(object->key());
      if (!still) continue;
      ++left.objects[fmt::format("{}.{}", resource.plural, resource.group)];
      for (const Value& finalizer : still->at("metadata", "finalizers").items())
        ++left.finalizers[std::string(finalizer.str())];
    }
  }

  /// Conditions in upstream's words, which does not count what is left while it waits for pods. Source:
  /// status_condition_utils.go.
  Result<Again> say_what_is_left(const api::Key& key, const Left& left) {
    const auto counted = [](const std::map<std::string, std::size_t>& counts, std::string_view between) {
      std::string text;
      for (const auto& [name, count] : counts)
        text += fmt::format("{}{}{}{} resource instances", text.empty() ? "" : ", ", name, between, count);
      return text;
    };
    std::string refusals;
    for (const std::string& refusal : left.refusals) refusals += (refusals.empty() ? "" : ", ") + refusal;
    const Time now = api_.clock().now();
    const auto said = api_.mutate(key, api::Subresource::kStatus, [&](Value& tree) {
      Value& status = tree.make("status");
      const auto condition = [&](std::string_view type, bool holds, std::string_view reason, std::string_view message) {
        set_condition(status, type, holds ? "True" : "False", reason, message, now);
      };
      const bool refused = !left.refusals.empty();
      condition(
          "NamespaceDeletionContentFailure", refused, refused ? "ContentDeletionFailed" : "ContentDeleted",
          refused ? fmt::format("Failed to delete all resource types, {} remaining: {}", left.refusals.size(), refusals)
                  : "All content successfully deleted, may be waiting on finalization");
      const bool counts = !left.pods_only;
      condition("NamespaceContentRemaining", counts, counts ? "SomeResourcesRemain" : "ContentRemoved",
                counts ? "Some resources are remaining: " + counted(left.objects, " has ")
                       : "All content successfully removed");
      const bool held = counts && !left.finalizers.empty();
      condition("NamespaceFinalizersRemaining", held, held ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
                held ? "Some content in the namespace has finalizers remaining: " + counted(left.finalizers, " in ")
                     : "All content-preserving finalizers finished");
    });
    if (!said) return fail("{}", said.error().message);
    // A removal may have been refused for a moment; nothing else would look again.
    return Again::in(kLookAgain);
  }

  api::Api& api_;
  const api::Resource& namespaces_;
  const api::Resource& pods_;
};

}  // namespace

std::unique_ptr<Reconciler> make_namespace_controller(api::Api& api) {
  return std::make_unique<NamespaceController>(api);
}

}  // namespace fairlead::control
