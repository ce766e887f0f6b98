// All objects, in memory, with a journal that makes them durable. Used on the control thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/journal.h"
#include "engine/api/object.h"
#include "engine/api/status.h"
#include "engine/seam/node.h"

namespace fairlead::api {

inline constexpr std::size_t kEventRing = 16384;  ///< Events kept for watches that start in the past.
inline constexpr std::size_t kPinnedLists = 64;   ///< Unfinished paged lists, of everybody together.

struct Event {
  enum class Type : std::uint8_t { kAdded, kModified, kDeleted };
  Type type = Type::kAdded;
  std::uint64_t revision = 0;
  ObjectPtr object;  ///< For kDeleted: the last state, under the revision of the deletion.
  ObjectPtr before;  ///< Null for kAdded.
};

/// One page of a list. All pages of one list show the same revision.
struct ListPage {
  std::vector<ObjectPtr> items;
  std::uint64_t revision = 0;
  std::string next;           ///< The token for the next page; empty on the last one.
  std::size_t remaining = 0;  ///< Objects after this page.
};

class Store {
 public:
  /// `journal` may hold an earlier life: call `load` first. Both references must outlive the store.
  Store(const Schema& schema, Journal& journal);

  /// Reads everything the journal holds. `define` is shown every stored CustomResourceDefinition before objects of
  /// other kinds are read, so that it can add them to the schema. Objects of kinds that are no longer known are kept in
  /// the journal and reported, one sentence each.
  [[nodiscard]] Result<std::vector<std::string>> load(const std::function<void(const Value& crd)>& define = {});

  [[nodiscard]] ObjectPtr get(const Key& key) const;
  [[nodiscard]] ObjectPtr get(const Resource& resource, std::string_view ns, std::string_view name) const;
  /// In order of namespace and name. An empty namespace means all of them.
  [[nodiscard]] std::vector<ObjectPtr> list(const Resource& resource, std::string_view ns = {}) const;
  /// Calls `visit` for each object in the same order until it answers false. `visit` must not write.
  void each(const Resource& resource, std::string_view ns, const std::function<bool(const ObjectPtr&)>& visit) const;
  /// Objects with an owner reference to `uid`, in order of key.
  [[nodiscard]] std::vector<ObjectPtr> owned(std::string_view uid) const;
  [[nodiscard]] ObjectPtr by_uid(std::string_view uid) const;
  [[nodiscard]] std::size_t count(const Resource& resource) const;

  /// The first page of at most `limit` (0: all) objects that `keep` (when given) accepts. What is left over is pinned
  /// until its last page is read, or kPinnedLists are exceeded and `user` is the one who has the most of them: then
  /// their oldest gives way, so that nobody makes the lists of another expire by starting many.
  [[nodiscard]] ListPage page(const Resource& resource, std::string_view ns, std::size_t limit,
                              const std::function<bool(const Object&)>& keep = {}, std::string_view user = {});
  /// A later page of a list of `resource` in `ns`; 410 Expired when its list is no longer pinned, 400 when the token is
  /// none of ours or belongs to another list, which its holder may not be allowed to read.
  [[nodiscard]] ApiResult<ListPage> next_page(const Resource& resource, std::string_view ns, std::string_view token,
                                              std::size_t limit);

  /// The newest revision, durable or not. Revisions start at 1 and never repeat, across restarts too.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  [[nodiscard]] std::uint64_t durable_revision() const;
  /// Whether writes can be taken now: not when the journal failed (500) or has fallen kJournalBacklog behind (429).
  [[nodiscard]] ApiResult<> writable() const;
  /// Why the journal stopped, if it did.
  [[nodiscard]] const std::optional<Error>& failure() const;

  /// Writes `tree` under the next revision (sets metadata.resourceVersion) and tells every subscriber before it
  /// returns.
  ObjectPtr put(const Key& key, Value tree);
  /// Removes an object that exists; returns its last state.
  ObjectPtr remove(const Key& key);

  /// In-process observers, called in order of subscription inside put and remove; they must only take notes.
  void subscribe(std::function<void(const Event&)> observer);

  /// Runs `then` on the control thread once everything up to `revision` is durable, at once when it already is; with an
  /// error when the journal failed first, and then nobody may be told that the write succeeded.
  void when_durable(std::uint64_t revision, std::move_only_function<void(Result<>)> then);

  /// Durable events after `revision`, oldest first, for a watch that starts there; an error ("410 Gone" to the client)
  /// when the ring no longer reaches back or `revision` lies in the future.
  [[nodiscard]] Result<std::vector<Event>> events_after(std::uint64_t revision) const;
  /// Called for each event once it is durable, in order. Observers must not write.
  [[nodiscard]] std::unique_ptr<seam::Subscription> watch(std::function<void(const Event&)> observer);

 private:
  struct State;
  class Watch;
  void publish(Event event, std::string key, ObjectPtr object);

  std::shared_ptr<State> state_;
  std::uint64_t revision_ = 0;
};

}  // namespace fairlead::api
