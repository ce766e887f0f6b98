// Hooks, probes and sidecars on a real node: what a container's start and end wait for.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/node/live_test/cluster.h"

namespace fairlead::node {
namespace {

Value& main_container(Value& pod) { return pod.make("spec", "containers").mutable_items()[0]; }
const Value& main_status(const Value& status) { return status.at("containerStatuses", 0); }
bool is_running(const Value& status) { return main_status(status).at("state").has("running"); }

Value exec_of(std::initializer_list<Value> words) {
  return Value::object({{"exec", Value::object({{"command", Value::array(words)}})}});
}

/// Follows the log of a container to its end.
class LogReader {
 public:
  explicit LogReader(const std::string& uid, const std::string& container = "main")
      : subscription_(cluster().node().logs({.uid = uid, .container = container, .follow = true, .timestamps = true},
                                            [this](std::string_view chunk, bool) {
                                              const std::lock_guard lock(mutex_);
                                              text_ += chunk;
                                            })) {}

  /// Waits until the log holds `part`; false when it never does.
  bool reads(const std::string& part) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (text().find(part) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  /// When the line `part` was written, as the log says it.
  std::string when(const std::string& part) {
    const std::string all = text();
    const auto at = all.find(part);
    if (at == std::string::npos) return "never: " + all;
    return all.substr(all.rfind('\n', at) + 1, 30);
  }

 private:
  std::mutex mutex_;
  std::string text_;
  std::unique_ptr<seam::Subscription> subscription_;
};

TEST(Ending, TheSignalComesAlsoWhereTheHookUsesUpTheGraceOrThereIsNone) {
  const auto hooked = cluster().run("slow-hook", [](Value& pod) {
    main_container(pod).make("lifecycle", "preStop") = exec_of({"/node_workload", "pause", "60"});
  });
  const auto plain = cluster().run("no-grace");
  ASSERT_TRUE(cluster().wait_ready(hooked) && cluster().wait_ready(plain));
  LogReader hooked_log(hooked);
  LogReader plain_log(plain);
  ASSERT_TRUE(hooked_log.reads("serving") && plain_log.reads("serving"));
  const auto begin = std::chrono::steady_clock::now();
  cluster().stop(plain, Duration{0});
  cluster().stop(hooked, std::chrono::seconds(1));
  EXPECT_TRUE(cluster().wait_stopped(plain) && cluster().wait_stopped(hooked));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_TRUE(plain_log.reads("got SIGTERM\n")) << plain_log.text();
  EXPECT_TRUE(hooked_log.reads("got SIGTERM\n")) << hooked_log.text();
  EXPECT_EQ(main_status(cluster().status(hooked)).at("state", "terminated", "exitCode").int_or(9), 0);
}

TEST(Ending, WhoIgnoresTheSignalHasTwoSecondsWithoutAnyGrace) {
  seam::PodInputs stubborn;
  stubborn.env["main"] = {{"IGNORE_TERM", "1"}};
  const auto uid = cluster().run("stubborn", {}, stubborn);
  ASSERT_TRUE(cluster().wait_ready(uid));
  const auto begin = std::chrono::steady_clock::now();
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(1'900));
  EXPECT_LT(took, std::chrono::seconds(6));
  EXPECT_EQ(main_status(cluster().status(uid)).at("state", "terminated", "exitCode").int_or(0), 137);
}

TEST(Ending, NobodyIsJudgedWhileItEnds) {
  const auto uid = cluster().run("judged", [](Value& pod) {
    auto& container = main_container(pod);
    container.make("lifecycle", "preStop") = Value::object({{"sleep", Value::object({{"seconds", 3}})}});
    container["livenessProbe"] =
        Value::object({{"httpGet", Value::object({{"path", "/health"}, {"port", 8080}})}, {"periodSeconds", 1}});
  });
  ASSERT_TRUE(cluster().wait_ready(uid));
  cluster().stop(uid, std::chrono::seconds(20));
  ASSERT_TRUE(cluster().wait_note(uid, "Killing", "Stopping container main"));
  (void)cluster().ask(uid, "set-health/0");
  EXPECT_TRUE(cluster().wait_stopped(uid));
  EXPECT_EQ(cluster().notes(uid).find("Liveness probe failed"), std::string::npos) << cluster().notes(uid);
}

TEST(Starting, APostStartHookHoldsUpWhatFollowsOnTheStart) {
  for (const bool sleeps : {true, false}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto uid = cluster().run("hook", [&](Value& pod) {
      Value second = main_container(pod);
      second["name"] = "second";
      second["args"] = Value::array({"serve", "8081"});
      second.erase("readinessProbe");
      main_container(pod).make("lifecycle", "postStart") =
          sleeps ? Value::object({{"sleep", Value::object({{"seconds", 2}})}})
                 : exec_of({"/node_workload", "pause", "2"});
      pod.make("spec", "containers").push_back(std::move(second));
    });
    ASSERT_TRUE(cluster().wait_note(uid, "Started", "Started container main"));
    const Value status = cluster().status(uid);
    EXPECT_EQ(main_status(status).at("state", "waiting", "reason").str(), "ContainerCreating");
    EXPECT_FALSE(main_status(status).at("started").bool_or(true));
    EXPECT_EQ(status.at("phase").str(), "Pending");
    EXPECT_TRUE(status.at("containerStatuses", 1, "state").has("waiting"));
    ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
    const std::string notes = cluster().notes(uid);
    EXPECT_LT(notes.find("Started container main"), notes.find("Created container: second")) << notes;
    cluster().stop(uid, Duration{0});
    EXPECT_TRUE(cluster().wait_stopped(uid));
  }
}

TEST(Starting, AFailedPostStartHookEndsTheContainer) {
  const auto uid = cluster().run("bad-hook", [](Value& pod) {
    main_container(pod).make("lifecycle", "postStart") = exec_of({"/node_workload", "exit", "3"});
    pod.make("spec", "terminationGracePeriodSeconds") = 1;
  });
  EXPECT_TRUE(cluster().wait_note(uid, "FailedPostStartHook", "exiting"));
  EXPECT_TRUE(
      cluster().wait(uid, [](const Value& status) { return main_status(status).at("restartCount").int_or(0) > 0; }));
  EXPECT_FALSE(main_status(cluster().status(uid)).at("ready").bool_or(true));
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

/// The processes of this program's file beside this one: each waits for a command inside a container.
int open_descriptors_of_waiters() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  int most = -1;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid == std::to_string(::getpid())) continue;
    std::error_code gone;
    if (std::filesystem::read_symlink(process.path() / "exe", gone) != self) continue;
    int count = 0;
    for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator(process.path() / "fd", gone)) ++count;
    most = std::max(most, count);
  }
  return most;
}

TEST(Starting, WhoWaitsForACommandHoldsNothingOfTheEngine) {
  const auto uid = cluster().run("waiter", [](Value& pod) {
    main_container(pod)["livenessProbe"] = exec_of({"/node_workload", "pause", "4"});
    main_container(pod)["livenessProbe"].set("timeoutSeconds", 5);
  });
  ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  int held = -1;
  for (int i = 0; i < 300 && held != 3; ++i) {
    held = open_descriptors_of_waiters();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(held, 3) << "its input, output and errors";
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

Value sidecar(const Value& like, const std::string& name, std::initializer_list<Value> args) {
  Value out = like;
  out["name"] = name;
  out["args"] = Value::array(args);
  out["restartPolicy"] = "Always";
  out.erase("readinessProbe");
  return out;
}

TEST(Ending, SidecarsEndAfterTheMainContainersTheLastOneFirst) {
  const auto uid = cluster().run("sidecars", [](Value& pod) {
    const Value main = main_container(pod);
    pod.make("spec", "initContainers") =
        Value::array({sidecar(main, "first", {"serve", "8081"}), sidecar(main, "second", {"serve", "8082"})});
  });
  ASSERT_TRUE(cluster().wait_ready(uid)) << cluster().notes(uid);
  LogReader main(uid);
  LogReader second(uid, "second");
  LogReader first(uid, "first");
  for (LogReader* log : {&main, &second, &first}) ASSERT_TRUE(log->reads("serving"));
  cluster().stop(uid, std::chrono::seconds(10));
  EXPECT_TRUE(cluster().wait_stopped(uid));
  for (LogReader* log : {&main, &second, &first}) EXPECT_TRUE(log->reads("got SIGTERM"));
  EXPECT_LT(main.when("got SIGTERM"), second.when("got SIGTERM"));
  EXPECT_LT(second.when("got SIGTERM"), first.when("got SIGTERM"));
}

TEST(Starting, ASidecarThatBacksOffHoldsUpNobodyWhoRan) {
  const auto uid = cluster().run("flaky", [](Value& pod) {
    pod.make("spec", "initContainers") = Value::array({sidecar(main_container(pod), "flaky", {"exit", "1"})});
  });
  const auto backing_off = [](const Value& status) {
    return status.at("initContainerStatuses", 0, "state", "waiting", "reason").str() == "CrashLoopBackOff";
  };
  ASSERT_TRUE(cluster().wait(uid, [&](const Value& status) {
    return backing_off(status) && main_status(status).at("ready").bool_or(false);
  })) << cluster().notes(uid);
  (void)cluster().ask(uid, "exit/3");
  ASSERT_TRUE(cluster().wait(uid, [&](const Value& status) {
    return main_status(status).at("restartCount").int_or(0) == 1 && is_running(status) && backing_off(status);
  })) << "it waited for the sidecar";
  for (const Value& condition : cluster().status(uid).at("conditions").items()) {
    if (condition.at("type").str() == "Initialized") EXPECT_EQ(condition.at("status").str(), "True");
  }
  cluster().stop(uid, Duration{0});
  EXPECT_TRUE(cluster().wait_stopped(uid));
}

}  // namespace
}  // namespace fairlead::node
