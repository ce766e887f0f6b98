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
/// Of all watches of one client together; beyond it, those that have fallen behind are cut off as something comes.
inline constexpr std::int64_t kMaxUnsentPerUser = 64 * 1024 * 1024;

/// What the watches of one client hold. Any thread.
struct WatchShare {
  std::atomic<int> open{0};
  std::atomic<std::int64_t> unsent{0};  ///< Bytes that were not taken yet when each watch was last looked at.
};

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
  std::shared_ptr<WatchShare> share;  ///< Of its client; the watch takes itself off when it ends.
};

/// The watches of one Encoder thread. Nothing is lost or told twice: a watch that was added between two events sees
/// exactly the later one.
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
