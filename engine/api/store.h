// All objects, in memory, with a journal that makes them durable. Used on the control thread only.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/api/journal.h"
#include "engine/api/object.h"
#include "engine/seam/node.h"

namespace fairlead::api {

inline constexpr std::size_t kEventRing = 16384;  ///< Events kept for watches that start in the past.

struct Event {
  enum class Type : std::uint8_t { kAdded, kModified, kDeleted };
  Type type = Type::kAdded;
  std::uint64_t revision = 0;
  ObjectPtr object;  ///< For kDeleted: the last state, under the revision of the deletion.
  ObjectPtr before;  ///< Null for kAdded.
};

class Store {
 public:
  /// `journal` may hold an earlier life: call `load` first.
  Store(const Schema& schema, Journal& journal);

  /// Reads everything the journal holds. Objects of kinds that are no longer known are kept in the journal and reported.
  [[nodiscard]] Result<std::vector<std::string>> load();

  [[nodiscard]] ObjectPtr get(const Key& key) const;
  /// In order of namespace and name. An empty namespace means all of them.
  [[nodiscard]] std::vector<ObjectPtr> list(const Resource& resource, std::string_view ns = {}) const;
  /// Objects with an owner reference to `uid`, in order of key.
  [[nodiscard]] std::vector<ObjectPtr> owned(std::string_view uid) const;
  [[nodiscard]] ObjectPtr by_uid(std::string_view uid) const;
  [[nodiscard]] std::size_t count(const Resource& resource) const;

  /// The newest revision, durable or not. Revisions start at 1 and never repeat, across restarts too.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  [[nodiscard]] std::uint64_t durable_revision() const;

  /// Writes `tree` under the next revision (sets metadata.resourceVersion) and tells every subscriber before it returns.
  ObjectPtr put(const Key& key, Value tree);
  /// Removes an object that exists.
  void remove(const Key& key);

  /// In-process observers, called in order of subscription inside put and remove; they must only take notes.
  void subscribe(std::function<void(const Event&)> observer);

  /// Runs `then` on the control thread once everything up to `revision` is durable; at once when it already is.
  void when_durable(std::uint64_t revision, std::move_only_function<void()> then);

  /// Durable events after `revision`, oldest first, for a watch that starts there; an error ("410 Gone" to the client)
  /// when the ring no longer reaches back or `revision` lies in the future.
  [[nodiscard]] Result<std::vector<Event>> events_after(std::uint64_t revision) const;
  /// Called for each event once it is durable, in order.
  [[nodiscard]] std::unique_ptr<seam::Subscription> watch(std::function<void(const Event&)> observer);

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::uint64_t revision_ = 0;
};

}  // namespace fairlead::api
