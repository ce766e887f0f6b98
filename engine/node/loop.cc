#include "engine/node/loop.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.h"

namespace fairlead::node {

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  FAIRLEAD_ASSERT(epoll_ && wake_);
  watch(wake_.get(), EPOLLIN, [this](std::uint32_t) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
  });
}

Loop::~Loop() = default;

void Loop::post(Task task) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = posted_.empty();
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  if (wake) [[maybe_unused]]
    const auto put = ::write(wake_.get(), &one, sizeof one);
}

void Loop::stop() {
  post([this] { stopping_ = true; });
}

void Loop::forget() {
  for (;;) {
    // Whatever a task held may cancel, unwatch or post as it goes: what it does that to is whole.
    const auto timers = std::exchange(timers_, {});
    const auto ready = std::exchange(ready_, {});
    std::deque<Task> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(posted_);
    }
    if (timers.empty() && ready.empty() && tasks.empty()) return;
  }
}

void Loop::watch(int fd, std::uint32_t events, Ready ready) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  const int added = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  FAIRLEAD_ASSERT(added == 0);
  ready_[fd] = std::make_shared<Ready>(std::move(ready));
}

void Loop::change(int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::unwatch(int fd) {
  if (ready_.erase(fd) != 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Loop::Timer Loop::after(Duration delay, Task task) {
  const Timer timer{std::chrono::steady_clock::now() + delay, next_timer_++};
  timers_.emplace(timer, std::move(task));
  return timer;
}

int Loop::wait_milliseconds() const {
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first.first - std::chrono::steady_clock::now();
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<std::int64_t>(whole, 0, 60'000));
}

void Loop::run_posted() {
  std::deque<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
}

void Loop::run_due() {
  const auto now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto due = timers_.extract(timers_.begin());
    due.mapped()();
  }
}

void Loop::run() {
  std::array<epoll_event, 64> events{};
  while (!stopping_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_milliseconds());
    FAIRLEAD_ASSERT(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      // Looked up each time: an earlier callback of this round may have taken the descriptor away.
      const auto found = ready_.find(event.data.fd);
      if (found == ready_.end()) continue;
      const auto ready = found->second;
      (*ready)(event.events);
    }
    run_due();
    run_posted();
  }
}

}  // namespace fairlead::node
