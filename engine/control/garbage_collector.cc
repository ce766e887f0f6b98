// Source: pkg/controller/garbagecollector/garbagecollector.go.
#include <algorithm>
#include <iterator>
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

/// How long an owner of a kind that is not served stays unknown at least.
constexpr Duration kUnknownKindRetry = std::chrono::minutes(1);

/// What became of the owners of an object. Source: classifyReferences, isDangling.
struct Owners {
  std::size_t solid = 0;              ///< Live, or going without waiting for dependents.
  std::vector<std::string> waiting;   ///< UIDs of those that go in the foreground, after their dependents.
  std::vector<std::string> dangling;  ///< UIDs of those that are gone.
  bool unknown = false;               ///< One cannot be looked up: nothing is decided without it.
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
      return offer_waiting_owners(object, queue);
    }
    const bool new_owners = !event.before || !(event.before->at("metadata", "ownerReferences") == owners);
    if (new_owners && event.before) offer_waiting_owners(*event.before, queue);
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
  /// Owners that may go when this dependent holds them back no longer.
  void offer_waiting_owners(const api::Object& dependent, Queue& queue) const {
    for (const Value& reference : dependent.at("metadata", "ownerReferences").items()) {
      const api::ObjectPtr owner = api_.store().by_uid(reference.at("uid").str());
      if (owner && in_foreground(*owner)) queue.add(owner->key());
    }
  }

  [[nodiscard]] Owners owners_of(const api::Object& object) const {
    Owners out;
    for (const Value& reference : object.at("metadata", "ownerReferences").items()) {
      const api::Resource* kind = api_.schema().by_kind(reference.at("apiVersion").str(), reference.at("kind").str());
      if (kind == nullptr || (kind->namespaced && object.ns().empty())) {
        out.unknown = true;
        continue;
      }
      const api::ObjectPtr owner = api_.store().by_uid(reference.at("uid").str());
      const bool named = owner && owner->name() == reference.at("name").str() &&
                         owner->resource().kind == reference.at("kind").str() &&
                         (owner->ns().empty() || owner->ns() == object.ns());
      if (!named) {
        out.dangling.emplace_back(reference.at("uid").str());
      } else if (in_foreground(*owner)) {
        out.waiting.emplace_back(owner->uid());
      } else {
        ++out.solid;
      }
    }
    return out;
  }

  Result<Again> judge(const api::Object& object) {
    Owners owners = owners_of(object);
    if (owners.unknown) return Again::in(kUnknownKindRetry);
    if (owners.solid > 0) {
      // Those that wait must be left, too, or they would wait for ever for an object that stays.
      std::ranges::move(owners.waiting, std::back_inserter(owners.dangling));
      return owners.dangling.empty() ? Again::when_changed() : drop_owners(object, owners.dangling);
    }
    const std::vector<api::ObjectPtr> dependents = api_.store().owned(object.uid());
    api::DeleteOptions how;
    how.uid = std::string(object.uid());
    if (!owners.waiting.empty() && !dependents.empty()) {
      how.propagation = api::Propagation::kForeground;
      // Perhaps a circle: each would wait for the next.
      const bool circle = std::ranges::any_of(dependents, [](const api::ObjectPtr& d) { return in_foreground(*d); });
      if (circle)
        if (auto done = unblock_owners(object); !done) return done;
    }
    return finished(api_.remove(object.key(), how));
  }

  Result<Again> unblock_owners(const api::Object& object) {
    return finished(api_.mutate(object.key(), api::Subresource::kNone, [](Value& tree) {
      for (Value& reference : tree.make("metadata", "ownerReferences").mutable_items())
        reference.set("blockOwnerDeletion", false);
    }));
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
