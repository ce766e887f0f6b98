#include "engine/node/probe.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <mutex>
#include <thread>
#include <vector>

#include "engine/node/process.h"
#include "engine/node/testing_listener.h"

namespace fairlead::node {
namespace {

using Clock = std::chrono::steady_clock;

/// Answers every request on loopback with `code` after `delay`, and remembers when each came.
class SlowServer {
 public:
  SlowServer(int code, Duration delay) {
    thread_ = std::jthread([this, code, delay] { serve(code, delay); });
  }
  ~SlowServer() { ::shutdown(listener_.socket.get(), SHUT_RDWR); }
  SlowServer(const SlowServer&) = delete;
  SlowServer& operator=(const SlowServer&) = delete;

  [[nodiscard]] int port() const { return listener_.port; }
  [[nodiscard]] std::vector<Clock::time_point> times() {
    const std::lock_guard lock(mutex_);
    return times_;
  }

 private:
  void serve(int code, Duration delay) {
    for (;;) {
      const Descriptor client(::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      {
        const std::lock_guard lock(mutex_);
        times_.push_back(Clock::now());
      }
      std::this_thread::sleep_for(delay);
      const std::string answer = "HTTP/1.1 " + std::to_string(code) + " X\r\nContent-Length: 0\r\n\r\n";
      ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  LoopbackListener listener_;
  std::mutex mutex_;
  std::vector<Clock::time_point> times_;
  std::jthread thread_;
};

/// Probes `server` once a second for `time`; answers how often the worker said that it failed.
int probe_for(SlowServer& server, Duration time, const ProbePlan& plan, int initial_delay = 0) {
  Loop loop;
  Reaper reaper(loop);
  Runtime runtime(loop, reaper, "");
  Value probe = Value::object(
      {{"periodSeconds", 1}, {"timeoutSeconds", 5}, {"failureThreshold", 1}, {"initialDelaySeconds", initial_delay}});
  probe.set("httpGet", Value::object({{"host", "127.0.0.1"}, {"port", server.port()}, {"path", "/"}}));
  const Value container = Value::object();
  ProbeTarget target;
  target.container = &container;
  int failed = 0;
  ProbeWorker worker(loop, runtime, probe, target, plan, {[] {}, [&] { ++failed; }, [](const std::string&) {}});
  loop.after(time, [&] { loop.stop(); });
  loop.run();
  return failed;
}

TEST(Probe, ItsPeriodCountsFromTheAttemptsBeginning) {
  SlowServer server(200, Duration{900});
  probe_for(server, Duration{1'700}, {Clock::now()});
  const auto times = server.times();
  ASSERT_GE(times.size(), 2U) << "counted from the answer, the second would come after 1.9 s";
  EXPECT_GE(times[1] - times[0], std::chrono::milliseconds(900));
}

TEST(Probe, ItsDelayCountsFromTheContainersStart) {
  SlowServer server(200, Duration{0});
  probe_for(server, Duration{800}, {Clock::now() - std::chrono::seconds(60)}, 30);
  EXPECT_FALSE(server.times().empty()) << "the container has run for longer than that";
  SlowServer young(200, Duration{0});
  probe_for(young, Duration{300}, {Clock::now()}, 30);
  EXPECT_TRUE(young.times().empty());
}

TEST(Probe, AVerdictThatEndsTheContainerIsTheLast) {
  SlowServer server(500, Duration{0});
  EXPECT_EQ(probe_for(server, Duration{2'500}, {.container_started = Clock::now(), .ends_with_failure = true}), 1);
  EXPECT_EQ(server.times().size(), 1U);
  SlowServer readiness(500, Duration{0});
  EXPECT_EQ(probe_for(readiness, Duration{2'500}, {Clock::now()}), 1);
  EXPECT_GE(readiness.times().size(), 2U) << "who is not ready is asked again";
}

}  // namespace
}  // namespace fairlead::node
