// Watches: what a client has asked to be told about, and how it is told.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/encoder.h"
#include "engine/api/selector.h"
#include "engine/api/store.h"
#include "engine/api/table.h"
#include "net/http_server.h"

namespace fairlead::api {

inline constexpr std::chrono::seconds kBookmarkInterval{60};
/// How often watches are looked over for bookmarks that are due and time that is up.
inline constexpr std::chrono::milliseconds kWatchTick{250};
/// How long a watch without timeoutSeconds may last.
inline constexpr std::chrono::seconds kWatchDefaultTimeout{45 * 60};
/// Events that wait for a reader to catch up, beside what it was told of at its beginning. One with more is cut off:
/// the store has forgotten them too, and it would have to list again.
inline constexpr std::size_t kMaxWaitingEvents = kEventRing;

/// What a client sees of the store, in which form.
struct View {
  const Resource* served = nullptr;
  std::string ns;    ///< Empty: all.
  std::string name;  ///< Empty: all.
  Selector labels;
  FieldSelector fields;
  enum class Form : std::uint8_t { kObject, kTable, kMetadata } form = Form::kObject;
  std::string form_version = "v1";  ///< Of meta.k8s.io, for tables and metadata.
  IncludeObject include = IncludeObject::kMetadata;

  [[nodiscard]] bool shows(const Object& object) const;
};

struct WatchRequest {
  View view;
  std::uint64_t after = 0;          ///< Events up to this revision are known to the client, or are in `initial`.
  std::vector<ObjectPtr> initial;   ///< Told as ADDED before anything else.
  std::vector<Event> missed;        ///< Events after `after` that are over already.
  bool initial_events_end = false;  ///< A bookmark annotated k8s.io/initial-events-end follows `initial`.
  bool bookmarks = false;
  std::optional<std::chrono::seconds> timeout;
  std::shared_ptr<std::atomic<int>> count;  ///< Of its client; one is taken off when the watch ends.
};

/// The watches of one Encoder thread. Nothing is lost or told twice: a watch that was added between two events sees
/// exactly the later one. What a reader has not taken waits as events, which its watches and the store share, and
/// becomes text when there is room for it: a reader that stalls holds one piece of text.
class WatchHub {
 public:
  explicit WatchHub(Encoder& encoder);
  ~WatchHub();
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  /// Control thread: an event has become durable, at `now`.
  void publish(const std::shared_ptr<const Event>& event, Time now);
  /// Control thread: begins to answer.
  void add(WatchRequest request, net::ResponseWriter response, Time now);
  /// Any thread.
  [[nodiscard]] std::size_t size() const;

 private:
  class Watches;
  Encoder& encoder_;
  std::shared_ptr<Watches> watches_;
};

}  // namespace fairlead::api
