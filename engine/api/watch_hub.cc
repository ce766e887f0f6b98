#include "engine/api/watch_hub.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "base/json.h"
#include "engine/api/conversion.h"

namespace fairlead::api {
namespace {

constexpr std::size_t kWritePiece = 64 * 1024;
constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";

std::string_view type_name(Event::Type type) {
  switch (type) {
    case Event::Type::kAdded:
      return "ADDED";
    case Event::Type::kModified:
      return "MODIFIED";
    case Event::Type::kDeleted:
      return "DELETED";
  }
  return "ERROR";
}

/// The state before an object left the view, under the revision at which it did.
ObjectPtr leaving(const Event& event) {
  Value tree = event.before->tree();
  tree.make("metadata").set("resourceVersion", fmt::format("{}", event.revision));
  return std::make_shared<Object>(event.before->resource(), std::move(tree), event.revision);
}

/// What a view makes of an event: nothing, or a type and an object.
std::pair<std::optional<Event::Type>, ObjectPtr> seen_through(const View& view, const Event& event) {
  const bool now = event.type != Event::Type::kDeleted && view.shows(*event.object);
  const bool then = event.before != nullptr && view.shows(*event.before);
  if (event.type == Event::Type::kDeleted) {
    if (!then && !view.shows(*event.object)) return {};
    return {Event::Type::kDeleted, event.object};
  }
  if (now) return {then ? Event::Type::kModified : Event::Type::kAdded, event.object};
  if (then) return {Event::Type::kDeleted, leaving(event)};
  return {};
}

/// One watch and its client. Encoder thread only.
class Watch {
 public:
  /// `drained` is for the writer to call, on any thread, when it has room again; this thread then calls `resume`.
  Watch(WatchRequest request, net::ResponseWriter response, std::function<void()> drained)
      : view_(std::move(request.view)),
        response_(std::move(response)),
        drained_(std::move(drained)),
        initial_(std::move(request.initial)),
        mark_(request.initial_events_end ? std::optional(request.after) : std::nullopt),
        last_(request.after),
        bookmarks_(request.bookmarks),
        count_(std::move(request.count)),
        deadline_(Encoder::Clock::now() + request.timeout.value_or(kWatchDefaultTimeout)),
        next_bookmark_(Encoder::Clock::now() + kBookmarkInterval) {}
  ~Watch() {
    if (count_) --*count_;
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  [[nodiscard]] const Resource& storage() const { return *view_.served->storage; }

  void begin(Time now) {
    now_ = now;
    response_.start(200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-cache, private"}});
    pump();
  }

  void tell(const Event& event, Time now) {
    if (closed_ || event.revision <= last_) return;
    last_ = event.revision;
    now_ = now;
    auto [type, object] = seen_through(view_, event);
    if (!type) return;
    if (waiting_.size() >= kMaxWaitingEvents) {
      response_.abort();
      closed_ = true;
      return;
    }
    waiting_.emplace_back(*type, std::move(object));
    pump();
  }

  /// There is room again.
  void resume() {
    full_ = false;
    pump();
  }

  /// False when the watch is over.
  bool tick(Encoder::Clock::time_point now, std::uint64_t revision) {
    if (closed_) return false;
    if (now >= deadline_) {
      response_.end();
      return false;
    }
    if (bookmarks_ && now >= next_bookmark_ && !full_ && told_all()) {
      next_bookmark_ = now + kBookmarkInterval;
      last_ = std::max(last_, revision);
      std::string text;
      append_bookmark(text, last_, false);
      flush(text);
    }
    return !closed_;
  }

  void end() const { response_.end(); }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  [[nodiscard]] bool told_all() const { return told_ == initial_.size() && !mark_ && waiting_.empty(); }

  /// Turns what waits into text as long as there is room.
  void pump() {
    std::string text;
    while (!full_ && !closed_ && !told_all()) {
      append_next(text);
      if (text.size() >= kWritePiece || told_all()) flush(text);
    }
  }

  void append_next(std::string& text) {
    if (told_ < initial_.size()) {
      append_event(text, Event::Type::kAdded, std::exchange(initial_[told_], nullptr));
      if (++told_ == initial_.size()) {
        initial_ = {};
        told_ = 0;
      }
    } else if (mark_) {
      append_bookmark(text, *mark_, true);
      mark_.reset();
    } else {
      append_event(text, waiting_.front().first, waiting_.front().second);
      waiting_.pop_front();
    }
  }

  void flush(std::string& text) {
    if (text.empty()) return;
    switch (response_.write(text)) {
      case net::Written::kClosed:
        closed_ = true;
        break;
      case net::Written::kFull:
        full_ = true;
        response_.on_drained([drained = drained_] { drained(); });
        break;
      case net::Written::kOk:
        break;
    }
    text.clear();
  }

  void append_event(std::string& out, Event::Type type, const ObjectPtr& object) {
    out += fmt::format("{{\"type\":\"{}\",\"object\":", type_name(type));
    switch (view_.form) {
      case View::Form::kObject:
        append_served_json(out, *view_.served, *object);
        break;
      case View::Form::kMetadata:
        append_partial_metadata(out, *object, view_.form_version);
        break;
      case View::Form::kTable: {
        const TableWriter writer(*view_.served, view_.form_version, view_.include, now_);
        writer.append(out, {&object, 1}, {.revision = object->revision(), .continue_token = {}, .remaining = {}},
                      !headed_);
        headed_ = true;
        break;
      }
    }
    out += "}\n";
  }

  void append_bookmark(std::string& out, std::uint64_t revision, bool initial_events_end) const {
    std::string metadata = fmt::format("{{\"resourceVersion\":\"{}\"", revision);
    if (initial_events_end) metadata += fmt::format(",\"annotations\":{{\"{}\":\"true\"}}", kInitialEventsEnd);
    metadata += '}';
    const auto object = [&](std::string_view kind, std::string_view api_version) {
      return fmt::format("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{}}}", kind, api_version, metadata);
    };
    const auto partial = object("PartialObjectMetadata", "meta.k8s.io/" + view_.form_version);
    out += "{\"type\":\"BOOKMARK\",\"object\":";
    switch (view_.form) {
      case View::Form::kObject:
        out += object(view_.served->kind, view_.served->api_version());
        break;
      case View::Form::kMetadata:
        out += partial;
        break;
      case View::Form::kTable:
        out += fmt::format(
            "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/{}\",\"metadata\":{{\"resourceVersion\":\"{}\"}},"
            "\"columnDefinitions\":null,\"rows\":[{{\"cells\":[],\"object\":{}}}]}}",
            view_.form_version, revision, partial);
        break;
    }
    out += "}\n";
  }

  View view_;
  net::ResponseWriter response_;
  std::function<void()> drained_;
  std::vector<ObjectPtr> initial_;
  std::size_t told_ = 0;               ///< Of `initial_`.
  std::optional<std::uint64_t> mark_;  ///< The revision of the bookmark that ends `initial_`, until it was told.
  std::deque<std::pair<Event::Type, ObjectPtr>> waiting_;
  std::uint64_t last_;  ///< The revision of the newest event that came.
  Time now_{};          ///< When it came.
  bool bookmarks_;
  std::shared_ptr<std::atomic<int>> count_;
  Encoder::Clock::time_point deadline_;
  Encoder::Clock::time_point next_bookmark_;
  bool headed_ = false;  ///< A table's columns come with its first event only.
  bool full_ = false;    ///< Until it is drained.
  bool closed_ = false;
};

}  // namespace

bool View::shows(const Object& object) const {
  return (ns.empty() || object.ns() == ns) && (name.empty() || object.name() == name) &&
         (labels.selects_everything() || labels.matches(object.at("metadata", "labels"))) &&
         (fields.selects_everything() || fields.matches(object.tree()));
}

/// Encoder thread, but for expect_one() and size().
class WatchHub::Watches {
 public:
  /// `drained` as Watch has it.
  void add(std::uint64_t id, WatchRequest request, const net::ResponseWriter& response, std::function<void()> drained,
           Time now) {
    const auto missed = std::move(request.missed);
    auto watch = std::make_unique<Watch>(std::move(request), response, std::move(drained));
    watch->begin(now);
    for (const auto& event : missed) {
      if (event.object->resource().ordinal == watch->storage().ordinal) watch->tell(event, now);
    }
    by_resource_[watch->storage().ordinal].emplace(id, std::move(watch));
  }

  void resume(std::uint64_t id) {
    for (auto& [ordinal, watches] : by_resource_) {
      if (const auto at = watches.find(id); at != watches.end()) at->second->resume();
    }
  }

  void publish(const Event& event, Time now) {
    revision_ = std::max(revision_, event.revision);
    const auto found = by_resource_.find(event.object->resource().ordinal);
    if (found == by_resource_.end()) return;
    for (const auto& [id, watch] : found->second) watch->tell(event, now);
    erase_if(found->second, [](const Watch& watch) { return watch.closed(); });
  }

  void tick() {
    const auto now = Encoder::Clock::now();
    for (auto& [ordinal, watches] : by_resource_) {
      erase_if(watches, [&](Watch& watch) { return !watch.tick(now, revision_); });
    }
  }

  void remove(std::uint64_t id) {
    for (auto& [ordinal, watches] : by_resource_) {
      if (watches.erase(id) > 0) size_.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  /// Counted where it is asked for, so that no event passes by a watch that is still in the queue.
  std::uint64_t expect_one() {
    size_.fetch_add(1, std::memory_order_relaxed);
    return ids_.fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  using ById = std::map<std::uint64_t, std::unique_ptr<Watch>>;

  template <class Predicate>
  void erase_if(ById& watches, Predicate&& over) {
    const auto erased = std::erase_if(watches, [&](auto& entry) { return over(*entry.second); });
    size_.fetch_sub(erased, std::memory_order_relaxed);
  }

  std::map<std::uint32_t, ById> by_resource_;
  std::atomic<std::uint64_t> ids_{0};
  std::uint64_t revision_ = 0;  ///< Of the newest event published.
  std::atomic<std::size_t> size_{0};
};

WatchHub::WatchHub(Encoder& encoder) : encoder_(encoder), watches_(std::make_shared<Watches>()) {
  encoder_.every(kWatchTick, [watches = watches_] { watches->tick(); });
}

WatchHub::~WatchHub() = default;

void WatchHub::publish(const std::shared_ptr<const Event>& event, Time now) {
  encoder_.post([watches = watches_, event, now] { watches->publish(*event, now); });
}

void WatchHub::add(WatchRequest request, net::ResponseWriter response, Time now) {
  auto* encoder = &encoder_;
  const auto id = watches_->expect_one();
  encoder_.post(
      [watches = watches_, encoder, id, request = std::move(request), response = std::move(response), now]() mutable {
        const auto drained = [encoder, watches, id] { encoder->post([watches, id] { watches->resume(id); }); };
        watches->add(id, std::move(request), response, drained, now);
        response.on_closed([encoder, watches, id] { encoder->post([watches, id] { watches->remove(id); }); });
      });
}

std::size_t WatchHub::size() const { return watches_->size(); }

}  // namespace fairlead::api
