#include "engine/api/store.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <utility>

#include "base/json.h"
#include "engine/api/conditions.h"
#include "engine/api/object_index.h"

namespace fairlead::api {
namespace {

struct PinnedList {
  const Resource* resource = nullptr;
  std::string ns;
  std::vector<ObjectPtr> items;
  std::uint64_t revision = 0;
  std::string user;  ///< Who reads it.
};

/// "apps/deployments/default/web"; no name, namespace or group holds a slash.
std::string journal_key(const Key& key) {
  return key.resource->group + "/" + key.resource->plural + "/" + key.ns + "/" + key.name;
}

std::string_view take_step(std::string_view& rest) {
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view out = rest.substr(0, slash);
  rest.remove_prefix(std::min(slash + 1, rest.size()));
  return out;
}

std::map<std::string, const Resource*, std::less<>> storage_by_name(const Schema& schema) {
  std::map<std::string, const Resource*, std::less<>> out;
  for (const Resource* resource : schema.stored()) out.emplace(resource->group + "/" + resource->plural, resource);
  return out;
}

/// A definition that never got the names it asks for is not served and has no objects: they are another's.
bool lacks_names(const Value& definition) {
  const Value& status = definition.at("status");
  const bool refused = condition_called(status, "NamesAccepted").at("status").str() == "False";
  return refused && !condition_holds(status, "Established");
}

}  // namespace

struct Store::State {
  State(const Schema& s, Journal& j) : schema(s), journal(j) {}

  const Schema& schema;
  Journal& journal;
  ObjectIndex index;
  std::vector<std::function<void(const Event&)>> subscribers;
  bool telling = false;  // Subscribers and watches must not write.

  std::uint64_t durable = 0;
  std::optional<Error> failure;
  std::uint64_t ring_floor = 0;  // Every event after this revision is in the ring or pending.
  std::deque<Event> ring;
  std::deque<Event> pending;  // Not yet durable.
  std::multimap<std::uint64_t, std::move_only_function<void(Result<>)>> waiting;
  std::map<std::uint64_t, std::shared_ptr<std::function<void(const Event&)>>> watches;
  std::uint64_t next_watch = 1;

  std::map<std::uint64_t, PinnedList> pinned;
  std::uint64_t next_pin = 1;

  void became_durable(std::uint64_t revision);
  void failed(Error error);
  void show_watches(const Event& event);
  void unpin_one();
  ListPage cut(PinnedList& list, std::uint64_t pin, std::size_t start, std::size_t limit);
  Result<> adopt(const Key& key, const JournalEntry& entry);
};

class Store::Watch final : public seam::Subscription {
 public:
  Watch(std::weak_ptr<State> state, std::uint64_t id) : state_(std::move(state)), id_(id) {}
  ~Watch() override {
    if (const auto state = state_.lock()) state->watches.erase(id_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  std::weak_ptr<State> state_;
  std::uint64_t id_;
};

void Store::State::show_watches(const Event& event) {
  // An observer may end any watch, so hold on to nothing but the number of the last one told.
  for (auto it = watches.begin(); it != watches.end();) {
    const std::uint64_t id = it->first;
    const auto observer = it->second;
    (*observer)(event);
    it = watches.upper_bound(id);
  }
}

void Store::State::became_durable(std::uint64_t revision) {
  durable = std::max(durable, revision);
  telling = true;
  while (!pending.empty() && pending.front().revision <= durable) {
    ring.push_back(std::move(pending.front()));
    pending.pop_front();
    show_watches(ring.back());
    if (ring.size() > kEventRing) {
      ring_floor = ring.front().revision;
      ring.pop_front();
    }
  }
  telling = false;
  while (!waiting.empty() && waiting.begin()->first <= durable) {
    auto then = std::move(waiting.begin()->second);
    waiting.erase(waiting.begin());
    then({});
  }
}

void Store::State::failed(Error error) {
  failure = wrap("the journal can no longer be written; nothing more is accepted until a restart", std::move(error));
  while (!waiting.empty()) {
    auto then = std::move(waiting.begin()->second);
    waiting.erase(waiting.begin());
    then(std::unexpected(*failure));
  }
}

Result<> Store::State::adopt(const Key& key, const JournalEntry& entry) {
  auto tree = parse_json(entry.json);
  if (!tree) return std::unexpected(wrap(fmt::format("the journal's entry {} is damaged", entry.key), tree.error()));
  index.put(key, std::make_shared<const Object>(*key.resource, std::move(*tree), entry.revision));
  return {};
}

Store::Store(const Schema& schema, Journal& journal) : state_(std::make_shared<State>(schema, journal)) {
  const std::weak_ptr<State> weak = state_;
  journal.on_durable([weak](std::uint64_t revision) {
    if (const auto state = weak.lock()) state->became_durable(revision);
  });
  journal.on_failure([weak](Error error) {
    if (const auto state = weak.lock()) state->failed(std::move(error));
  });
}

Result<std::vector<std::string>> Store::load(const std::function<void(const Value& crd)>& define) {
  FAIRLEAD_ASSERT(revision_ == 0);
  auto entries = state_->journal.load();
  if (!entries) return std::unexpected(entries.error());
  constexpr std::string_view kDefinitions = "apiextensions.k8s.io/customresourcedefinitions/";
  for (const JournalEntry& entry : *entries) {
    if (!define || !entry.key.starts_with(kDefinitions)) continue;
    if (auto tree = parse_json(entry.json); tree && !lacks_names(*tree)) define(*tree);
  }
  const auto known = storage_by_name(state_->schema);
  std::vector<std::string> strangers;
  for (const JournalEntry& entry : *entries) {
    revision_ = std::max(revision_, entry.revision);
    if (entry.key.empty()) continue;
    std::string_view rest = entry.key;
    std::string kind(take_step(rest));
    kind.append("/").append(take_step(rest));
    const auto it = known.find(kind);
    if (it == known.end()) {
      strangers.push_back(fmt::format("{} is kept but not served: its kind is not known", entry.key));
      continue;
    }
    const std::string ns(take_step(rest));
    if (auto adopted = state_->adopt({it->second, ns, std::string(rest)}, entry); !adopted) {
      return std::unexpected(adopted.error());
    }
  }
  state_->durable = revision_;
  state_->ring_floor = revision_;
  return strangers;
}

ObjectPtr Store::get(const Key& key) const { return state_->index.get(*key.resource, key.ns, key.name); }

ObjectPtr Store::get(const Resource& resource, std::string_view ns, std::string_view name) const {
  return state_->index.get(resource, ns, name);
}

std::vector<ObjectPtr> Store::list(const Resource& resource, std::string_view ns) const {
  std::vector<ObjectPtr> out;
  if (ns.empty()) out.reserve(count(resource));
  each(resource, ns, [&](const ObjectPtr& object) {
    out.push_back(object);
    return true;
  });
  return out;
}

void Store::each(const Resource& resource, std::string_view ns,
                 const std::function<bool(const ObjectPtr&)>& visit) const {
  state_->index.each(resource, ns, visit);
}

std::vector<ObjectPtr> Store::owned(std::string_view uid) const { return state_->index.owned(uid); }
ObjectPtr Store::by_uid(std::string_view uid) const { return state_->index.by_uid(uid); }
std::size_t Store::count(const Resource& resource) const { return state_->index.count(resource); }

ListPage Store::State::cut(PinnedList& list, std::uint64_t pin, std::size_t start, std::size_t limit) {
  ListPage out;
  out.revision = list.revision;
  const std::size_t left = list.items.size() - start;
  const std::size_t size = limit == 0 ? left : std::min(limit, left);
  const auto first = list.items.begin() + static_cast<std::ptrdiff_t>(start);
  out.items.assign(first, first + static_cast<std::ptrdiff_t>(size));
  out.remaining = left - size;
  if (out.remaining > 0) out.next = fmt::format("{}.{}.{}", list.revision, pin, start + size);
  return out;
}

void Store::State::unpin_one() {
  std::map<std::string_view, std::size_t> held;
  std::size_t most = 0;
  for (const auto& [pin, list] : pinned) most = std::max(most, ++held[list.user]);
  pinned.erase(std::ranges::find_if(pinned, [&](const auto& entry) { return held[entry.second.user] == most; }));
}

ListPage Store::page(const Resource& resource, std::string_view ns, std::size_t limit,
                     const std::function<bool(const Object&)>& keep, std::string_view user) {
  PinnedList list{&resource, std::string(ns), {}, revision_, std::string(user)};
  each(resource, ns, [&](const ObjectPtr& object) {
    if (!keep || keep(*object)) list.items.push_back(object);
    return true;
  });
  if (limit == 0 || list.items.size() <= limit) return {std::move(list.items), revision_, {}, 0};
  const std::uint64_t pin = state_->next_pin++;
  ListPage out = state_->cut(list, pin, 0, limit);
  state_->pinned.emplace(pin, std::move(list));
  if (state_->pinned.size() > kPinnedLists) state_->unpin_one();
  return out;
}

ApiResult<ListPage> Store::next_page(const Resource& resource, std::string_view ns, std::string_view token,
                                     std::size_t limit) {
  std::uint64_t parts[3] = {0, 0, 0};
  const char* at = token.data();
  const char* const end = token.data() + token.size();
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [next, error] = std::from_chars(at, end, parts[i]);
    const bool separated = i == 2 ? next == end : (next != end && *next == '.');
    if (error != std::errc() || !separated) {
      return std::unexpected(Status::bad_request("continue key is not valid: it was not given out by this server"));
    }
    at = next + (i == 2 ? 0 : 1);
  }
  const auto it = state_->pinned.find(parts[1]);
  if (it == state_->pinned.end() || it->second.revision != parts[0] || parts[2] >= it->second.items.size()) {
    return std::unexpected(
        Status::expired("The provided continue parameter is too old to display a consistent list result. You must "
                        "start a new list without the continue parameter."));
  }
  if (it->second.resource->ordinal != resource.ordinal || it->second.ns != ns)
    return std::unexpected(Status::bad_request("continue key is not valid: it was given out for another list"));
  ListPage out = state_->cut(it->second, it->first, parts[2], limit);
  if (out.next.empty()) state_->pinned.erase(it);
  return out;
}

std::uint64_t Store::durable_revision() const { return state_->durable; }
const std::optional<Error>& Store::failure() const { return state_->failure; }

ApiResult<> Store::writable() const {
  if (state_->failure) return std::unexpected(Status::internal(state_->failure->to_string()));
  if (state_->pending.size() >= kJournalBacklog) {
    return std::unexpected(Status::too_many_requests(
        fmt::format("{} writes wait for the disk; try again later", state_->pending.size()), 1));
  }
  return {};
}

void Store::publish(Event event, std::string key, ObjectPtr object) {
  State& state = *state_;
  state.telling = true;
  for (const auto& subscriber : state.subscribers) subscriber(event);
  state.telling = false;
  state.pending.push_back(std::move(event));
  state.journal.append(revision_, std::move(key), std::move(object));
}

ObjectPtr Store::put(const Key& key, Value tree) {
  FAIRLEAD_ASSERT(!state_->telling);
  ++revision_;
  tree.make("metadata", "resourceVersion") = std::to_string(revision_);
  auto object = std::make_shared<const Object>(*key.resource, std::move(tree), revision_);
  ObjectPtr before = state_->index.put(key, object);
  const Event::Type type = before ? Event::Type::kModified : Event::Type::kAdded;
  publish({type, revision_, object, std::move(before)}, journal_key(key), object);
  return object;
}

ObjectPtr Store::remove(const Key& key) {
  FAIRLEAD_ASSERT(!state_->telling);
  ObjectPtr before = state_->index.remove(key);
  FAIRLEAD_ASSERT(before != nullptr);
  ++revision_;
  Value tree = before->tree();
  tree.make("metadata", "resourceVersion") = std::to_string(revision_);
  auto last = std::make_shared<const Object>(*key.resource, std::move(tree), revision_);
  publish({Event::Type::kDeleted, revision_, last, std::move(before)}, journal_key(key), nullptr);
  return last;
}

void Store::subscribe(std::function<void(const Event&)> observer) {
  state_->subscribers.push_back(std::move(observer));
}

void Store::when_durable(std::uint64_t revision, std::move_only_function<void(Result<>)> then) {
  if (revision <= state_->durable) {
    then({});
  } else if (state_->failure) {
    then(std::unexpected(*state_->failure));
  } else {
    state_->waiting.emplace(revision, std::move(then));
  }
}

Result<std::vector<Event>> Store::events_after(std::uint64_t revision) const {
  const State& state = *state_;
  if (revision < state.ring_floor) return fail("too old resource version: {} ({})", revision, state.ring_floor);
  if (revision > revision_) return fail("Too large resource version: {}, current: {}", revision, revision_);
  const auto first = std::ranges::upper_bound(state.ring, revision, {}, &Event::revision);
  return std::vector<Event>(first, state.ring.end());
}

std::unique_ptr<seam::Subscription> Store::watch(std::function<void(const Event&)> observer) {
  const std::uint64_t id = state_->next_watch++;
  state_->watches.emplace(id, std::make_shared<std::function<void(const Event&)>>(std::move(observer)));
  return std::make_unique<Watch>(state_, id);
}

}  // namespace fairlead::api
