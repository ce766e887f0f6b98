// Runs functions later, on a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace fairlead::service {

/// Thread-safe. What is still waiting when it is destroyed never runs.
class DelayQueue {
 public:
  DelayQueue();
  ~DelayQueue();
  DelayQueue(const DelayQueue&) = delete;
  DelayQueue& operator=(const DelayQueue&) = delete;
  void after(std::chrono::milliseconds delay, std::move_only_function<void()> task);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<std::chrono::steady_clock::time_point, std::move_only_function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fairlead::service
