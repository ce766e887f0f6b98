#include "engine/api/encoder.h"

#include <utility>

namespace fairlead::api {

Encoder::Encoder() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

Encoder::~Encoder() {
  thread_.request_stop();
  thread_.join();
}

void Encoder::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Encoder::every(std::chrono::milliseconds interval, std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    interval_ = interval;
    periodic_ = std::move(task);
  }
  wake_.notify_one();
}

void Encoder::run(const std::stop_token& stop) {
  auto last = Clock::now();
  while (!stop.stop_requested()) {
    std::vector<Task> due;
    std::function<void()> periodic;
    {
      std::unique_lock lock(mutex_);
      const auto something = [this] { return !tasks_.empty(); };
      if (periodic_) {
        wake_.wait_until(lock, stop, last + interval_, something);
      } else {
        wake_.wait(lock, stop, [&] { return something() || periodic_ != nullptr; });
      }
      due.swap(tasks_);
      if (periodic_ && Clock::now() - last >= interval_) periodic = periodic_;
    }
    for (auto& task : due) {
      if (stop.stop_requested()) return;
      task();
    }
    if (periodic) {
      periodic();
      last = Clock::now();
    }
  }
}

}  // namespace fairlead::api
