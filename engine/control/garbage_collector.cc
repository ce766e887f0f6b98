// Source: pkg/controller/garbagecollector/garbagecollector.go.
#include <algorithm>
#include <utility>

#include "engine/api/deletion.h"
#include "engine/control/cluster_controllers.h"

namespace fairlead::control {
namespace {

bool has_finalizer(const api::Object& object, std::string_view name) {
  return std::ranges::any_of(object.at("metadata", "finalizers").items(),
                             [&](const Value& finalizer) { return finalizer.str() == name; });
}

bool in_foreground(const api::Object& object) {
  return object.deleting() && has_finalizer(object, api::kForegroundFinalizer);
}

/// What became of the owners of an object.
struct Owners {
  std::size_t solid = 0;              ///< Live, or going without waiting for this one.
  std::size_t waiting = 0;            ///< Going in the foreground, waiting for this one.
  std::vector<std::string> dangling;  ///< UIDs of those that are gone.
};

class GarbageCollector final : public Reconciler {
 public:
  explicit GarbageCollector(api::Api& api) : api_(api) {}

  [[nodiscard]] std::string_view name() const override { return "garbage-collector"; }

  void observe(const api::Event& event, Queue& queue) override {
    const api::Object& object = *event.object;
    const Value& owners = object.at("metadata", "ownerReferences");
    if (event.type == api::Event::Type::kDeleted) {
      for (const api::ObjectPtr& dependent : api_.store().owned(object.uid())) queue.add(dependent->key());
      for (const Value& reference : owners.items()) {
        const api::ObjectPtr owner = api_.store().by_uid(reference.at("uid").str());
        if (owner && in_foreground(*owner)) queue.add(owner->key());
      }
      return;
    }
    const bool new_owners = !event.before || !(event.before->at("metadata", "ownerReferences") == owners);
    const bool going = object.deleting() && (has_finalizer(object, api::kForegroundFinalizer) ||
                                             has_finalizer(object, api::kOrphanFinalizer));
    if (going || (new_owners && !owners.empty())) queue.add(object.key());
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr object = api_.get(key);
    if (!object) return Again::when_changed();
    if (object->deleting() && has_finalizer(*object, api::kOrphanFinalizer)) return orphan(*object);
    if (in_foreground(*object)) return remove_dependents_first(*object);
    if (object->deleting() || object->at("metadata", "ownerReferences").empty()) return Again::when_changed();
    return judge(*object);
  }

 private:
  [[nodiscard]] Owners owners_of(const api::Object& object) const {
    Owners out;
    for (const Value& reference : object.at("metadata", "ownerReferences").items()) {
      const api::ObjectPtr owner = api_.store().by_uid(reference.at("uid").str());
      const bool named = owner && owner->name() == reference.at("name").str() &&
                         owner->resource().kind == reference.at("kind").str() &&
                         (owner->ns().empty() || owner->ns() == object.ns());
      if (!named) {
        out.dangling.emplace_back(reference.at("uid").str());
      } else if (in_foreground(*owner) && reference.at("blockOwnerDeletion").bool_or(false)) {
        ++out.waiting;
      } else {
        ++out.solid;
      }
    }
    return out;
  }

  Result<Again> judge(const api::Object& object) {
    const Owners owners = owners_of(object);
    if (owners.solid > 0) {
      return owners.dangling.empty() ? Again::when_changed() : drop_owners(object, owners.dangling);
    }
    const bool has_dependents = !api_.store().owned(object.uid()).empty();
    api::DeleteOptions how;
    how.uid = std::string(object.uid());
    if (owners.waiting > 0 && has_dependents) how.propagation = api::Propagation::kForeground;
    return finished(api_.remove(object.key(), how));
  }

  Result<Again> remove_dependents_first(const api::Object& owner) {
    bool blocked = false;
    for (const api::ObjectPtr& dependent : api_.store().owned(owner.uid())) {
      if (!dependent->deleting()) {
        if (auto done = judge(*dependent); !done) return done;
      }
      const api::ObjectPtr left = api_.get(dependent->key());
      if (!left) continue;
      blocked = blocked || std::ranges::any_of(left->at("metadata", "ownerReferences").items(), [&](const Value& r) {
                  return r.at("uid").str() == owner.uid() && r.at("blockOwnerDeletion").bool_or(false);
                });
    }
    return blocked ? Again::when_changed() : drop_finalizer(owner, api::kForegroundFinalizer);
  }

  Result<Again> orphan(const api::Object& owner) {
    for (const api::ObjectPtr& dependent : api_.store().owned(owner.uid())) {
      if (auto done = drop_owners(*dependent, {std::string(owner.uid())}); !done) return done;
    }
    return drop_finalizer(owner, api::kOrphanFinalizer);
  }

  Result<Again> drop_owners(const api::Object& object, const std::vector<std::string>& uids) {
    return finished(api_.mutate(object.key(), api::Subresource::kNone, [&](Value& tree) {
      Value& metadata = tree["metadata"];
      Value::Array kept;
      for (const Value& reference : metadata.at("ownerReferences").items()) {
        if (std::ranges::find(uids, reference.at("uid").str()) == uids.end()) kept.push_back(reference);
      }
      if (kept.empty()) {
        metadata.erase("ownerReferences");
      } else {
        metadata.set("ownerReferences", std::move(kept));
      }
    }));
  }

  Result<Again> drop_finalizer(const api::Object& object, std::string_view name) {
    return finished(api_.mutate(object.key(), api::Subresource::kNone, [&](Value& tree) {
      Value::Array kept;
      for (const Value& finalizer : tree.at("metadata", "finalizers").items()) {
        if (finalizer.str() != name) kept.push_back(finalizer);
      }
      tree["metadata"].set("finalizers", std::move(kept));
    }));
  }

  static Result<Again> finished(const api::ApiResult<api::ObjectPtr>& written) {
    if (!written && !written.error().not_found()) return fail("{}", written.error().message);
    return Again::when_changed();
  }

  api::Api& api_;
};

}  // namespace

std::unique_ptr<Reconciler> make_garbage_collector(api::Api& api) { return std::make_unique<GarbageCollector>(api); }

}  // namespace fairlead::control
