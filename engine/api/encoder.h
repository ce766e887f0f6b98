// Threads that turn answers into text and follow watches, away from the control thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fairlead::api {

/// One thread with a queue. What one thread posts runs here in the order given.
class Encoder {
 public:
  using Task = std::move_only_function<void()>;
  using Clock = std::chrono::steady_clock;

  Encoder();
  /// Runs nothing more; waits for the task that is running.
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// Any thread.
  void post(Task task);
  /// Called on this thread about once in `interval`, between tasks. Set before the first post.
  void every(std::chrono::milliseconds interval, std::function<void()> task);

 private:
  void run(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Task> tasks_;
  std::chrono::milliseconds interval_{0};
  std::function<void()> periodic_;
  std::jthread thread_;
};

}  // namespace fairlead::api
