#include <algorithm>
#include <tuple>
#include <utility>

#include "engine/control/reconciler.h"

namespace fairlead::control {
namespace {

Duration retry_delay(std::uint32_t failures) {
  Duration delay = kFirstRetry;
  for (std::uint32_t i = 1; i < failures && delay < kLongestRetry; ++i) delay *= 2;
  return std::min(delay, kLongestRetry);
}

}  // namespace

struct Manager::State {
  /// What is known about one key of one reconciler. Kept only while there is something to remember.
  struct Item {
    bool queued = false;
    std::optional<Time> later;
    std::uint32_t failures = 0;
  };
  struct Entry {
    std::unique_ptr<Reconciler> reconciler;
    std::map<api::Key, Item> items;
  };
  /// Due time, index of the reconciler, sequence number.
  using Place = std::tuple<Time, std::size_t, std::uint64_t>;

  class Marks final : public Queue {
   public:
    Marks(State& state, std::size_t index) : state_(state), index_(index) {}
    void add(const api::Key& key) override { state_.mark(index_, key, state_.api.clock().now()); }

   private:
    State& state_;
    std::size_t index_;
  };

  explicit State(api::Api& a) : api(a) {}

  api::Api& api;
  std::vector<Entry> entries;
  std::map<Place, api::Key> due;
  std::set<std::tuple<Time, std::size_t, api::Key>> delayed;
  std::uint64_t sequence = 0;
  bool running = false;
  Time instant{};                                                 ///< The moment of the last look…
  std::map<std::pair<std::size_t, api::Key>, std::size_t> looks;  ///< …and the looks at each key in that moment.
  std::function<void()> work;
  std::function<void(std::string_view, const api::Key&, const Error&)> error;

  void mark(std::size_t index, const api::Key& key, Time at) {
    Item& item = entries[index].items[key];
    if (item.queued) return;
    item.queued = true;
    const bool first = due.empty();
    due.emplace(Place{at, index, ++sequence}, key);
    if (first && !running && work) work();
  }

  void observe(const api::Event& event) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Marks marks(*this, i);
      entries[i].reconciler->observe(event, marks);
    }
  }

  void promote(Time now) {
    while (!delayed.empty() && std::get<0>(*delayed.begin()) <= now) {
      auto [at, index, key] = *delayed.begin();
      delayed.erase(delayed.begin());
      entries[index].items[key].later.reset();
      mark(index, key, at);
    }
  }

  void postpone(std::size_t index, const api::Key& key, std::optional<Time> to) {
    Item& item = entries[index].items[key];
    if (item.later) delayed.erase({*item.later, index, key});
    item.later = to;
    if (to) delayed.emplace(*to, index, key);
  }

  void count_look(std::size_t index, const api::Key& key, Time now) {
    if (instant != now) {
      instant = now;
      looks.clear();
    }
    if (++looks[{index, key}] <= kMaxLooksPerInstant) return;
    const std::string message = fmt::format("controller {} looks at {} over and over without time passing",
                                            entries[index].reconciler->name(), key.to_string());
    assertion_failed(message.c_str(), __FILE__, __LINE__);
  }

  void look(Time now) {
    const auto first = due.begin();
    const std::size_t index = std::get<1>(first->first);
    const api::Key key = first->second;
    due.erase(first);
    entries[index].items[key].queued = false;
    count_look(index, key, now);
    const Result<Again> result = entries[index].reconciler->reconcile(key);
    Item& item = entries[index].items[key];
    if (!result) {
      item.failures += 1;
      postpone(index, key, now + retry_delay(item.failures));
      if (error) error(entries[index].reconciler->name(), key, result.error());
      return;
    }
    item.failures = 0;
    postpone(index, key, result->after ? std::optional(now + std::max(*result->after, Duration(0))) : std::nullopt);
    if (!item.queued && !item.later) entries[index].items.erase(key);
  }
};

Manager::Manager(api::Api& api) : state_(std::make_shared<State>(api)) {}

Manager::~Manager() = default;

void Manager::add(std::unique_ptr<Reconciler> reconciler) { state_->entries.push_back({std::move(reconciler), {}}); }

void Manager::start() {
  for (const api::Resource* resource : state_->api.schema().resources()) {
    if (resource->storage != resource) continue;
    for (const api::ObjectPtr& object : state_->api.store().list(*resource)) {
      state_->observe({api::Event::Type::kAdded, object->revision(), object, nullptr});
    }
  }
  state_->api.store().subscribe([weak = std::weak_ptr(state_)](const api::Event& event) {
    if (const auto state = weak.lock()) state->observe(event);
  });
}

bool Manager::run(std::size_t limit) {
  State& state = *state_;
  FAIRLEAD_ASSERT(!state.running);
  state.running = true;
  for (std::size_t i = 0; i < limit; ++i) {
    const Time now = state.api.clock().now();
    state.promote(now);
    if (state.due.empty()) break;
    state.look(now);
  }
  state.promote(state.api.clock().now());
  state.running = false;
  return !state.due.empty();
}

void Manager::wake(std::string_view name, const api::Key& key) {
  const auto it = std::ranges::find_if(state_->entries, [&](const auto& e) { return e.reconciler->name() == name; });
  FAIRLEAD_ASSERT(it != state_->entries.end());
  state_->mark(static_cast<std::size_t>(it - state_->entries.begin()), key, state_->api.clock().now());
}

std::optional<Time> Manager::next_due() const {
  if (state_->delayed.empty()) return std::nullopt;
  return std::get<0>(*state_->delayed.begin());
}

void Manager::on_work(std::function<void()> callback) { state_->work = std::move(callback); }

void Manager::on_error(std::function<void(std::string_view, const api::Key&, const Error&)> callback) {
  state_->error = std::move(callback);
}

}  // namespace fairlead::control
