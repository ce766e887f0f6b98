// One reader of one container's log.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/node/container_log.h"
#include "engine/seam/node.h"

namespace fairlead::node {

/// What the node writes to and the subscriber holds. After `cancel` returns no call is under way and none will come.
class LogStream {
 public:
  using Sink = std::function<void(std::string_view chunk, bool end)>;
  LogStream(const seam::LogRequest& request, Sink sink) : filter_(request), sink_(std::move(sink)) {}

  /// Sends CRI lines as the request wants them.
  void lines(std::string_view text);
  /// What was written before the reader came, from a thread that may be busy with it for long.
  void history(std::string_view text);
  /// A line that was written since; it waits until `history` has been sent, without blocking. One thread only.
  void live(std::string_view line);
  /// The last of them has come.
  void live_end();
  void end(std::string_view last = {});
  void cancel();
  /// Keeps whatever feeds the stream alive until it ends.
  std::shared_ptr<void> follower;

 private:
  std::recursive_mutex mutex_;  ///< A sink may drop its subscription.
  LogFilter filter_;
  Sink sink_;
  std::mutex waiting_mutex_;  ///< Never held while something is sent.
  std::string waiting_;       ///< Lines for after the history.
  bool history_sent_ = false;
  bool ended_ = false;  ///< Before the history was sent.
};

/// The subscriber's end.
class LogSubscription final : public seam::Subscription {
 public:
  explicit LogSubscription(std::shared_ptr<LogStream> stream) : stream_(std::move(stream)) {}
  ~LogSubscription() override { stream_->cancel(); }
  LogSubscription(const LogSubscription&) = delete;
  LogSubscription& operator=(const LogSubscription&) = delete;

 private:
  std::shared_ptr<LogStream> stream_;
};

}  // namespace fairlead::node
