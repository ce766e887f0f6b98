// The node's event loop: descriptors, timers and work from other threads, all run on one thread.
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/descriptor.h"
#include "base/time.h"

namespace fairlead::node {

/// `post` and `stop` may be called from any thread; everything else only on the thread inside `run` (or before it).
class Loop {
 public:
  using Task = std::move_only_function<void()>;
  using Ready = std::function<void(std::uint32_t events)>;
  using Timer = std::pair<std::chrono::steady_clock::time_point, std::uint64_t>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void post(Task task);
  void stop();
  /// Returns after `stop`; tasks posted before that have been run.
  void run();

  /// Lets go, uncalled, of everything that was to be called. After `run`.
  void forget();

  /// Calls `ready` with the epoll events of `fd` until `unwatch`. The descriptor stays the caller's.
  void watch(int fd, std::uint32_t events, Ready ready);
  void change(int fd, std::uint32_t events);
  void unwatch(int fd);

  Timer after(Duration delay, Task task);
  /// Nothing happens when the timer has run already.
  void cancel(const Timer& timer) { timers_.erase(timer); }

 private:
  [[nodiscard]] int wait_milliseconds() const;
  void run_posted();
  void run_due();

  Descriptor epoll_;
  Descriptor wake_;
  std::unordered_map<int, std::shared_ptr<Ready>> ready_;
  std::map<Timer, Task> timers_;
  std::uint64_t next_timer_ = 1;
  std::mutex mutex_;
  std::deque<Task> posted_;
  bool stopping_ = false;
};

}  // namespace fairlead::node
