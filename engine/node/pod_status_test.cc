#include "engine/node/pod_status.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/yaml.h"
#include "engine/node/files.h"

namespace fairlead::node {
namespace {

using Kind = ContainerRecord::Kind;
using State = ContainerRecord::State;

/// "init one exited 1", "a running+ready", "a waiting was 1".
ContainerRecord container(const std::string& text) {
  std::istringstream words(text);
  std::string word;
  ContainerRecord out;
  words >> word;
  if (word == "init" || word == "sidecar") {
    out.kind = word == "init" ? Kind::kInit : Kind::kSidecar;
    words >> word;
  }
  out.spec = Value::object({{"name", word}, {"image", "shop/web:1"}});
  while (words >> word) {
    if (word.starts_with("running")) {
      out.state = State::kRunning;
      out.started = true;
      out.ready = word == "running+ready";
    } else if (word == "hooking") {
      out.state = State::kRunning;
      out.hook_running = true;
    } else if (word == "exited") {
      out.state = State::kTerminated;
      words >> out.ended.exit_code;
    } else if (word == "was") {
      out.last = Termination{};
      words >> out.last->exit_code;
      ++out.restarts;
    }
  }
  return out;
}

Value pod_of(const Value& test) {
  Value pod = Value::object();
  if (test.has("policy")) pod.make("spec").set("restartPolicy", test.at("policy"));
  for (const Member& gate : test.at("gates").members()) {
    pod.make("spec", "readinessGates").push_back(Value::object({{"conditionType", gate.key}}));
    if (gate.value.is_null()) continue;
    pod.make("status", "conditions").push_back(Value::object({{"type", gate.key}, {"status", gate.value}}));
  }
  return pod;
}

PodRecord record_of(const Value& test, const Value& pod) {
  PodRecord out;
  out.pod = &pod;
  out.has_network = true;
  out.address = "10.244.0.2";
  out.failed_reason = test.at("failed").str();
  out.initialized = test.at("initialized").bool_or(false);
  for (const Value& one : test.at("containers").items()) out.containers.push_back(container(std::string(one.str())));
  return out;
}

std::string condition(const Value& status, std::string_view type) {
  for (const Value& one : status.at("conditions").items()) {
    if (one.at("type").str() != type) continue;
    std::string out(one.at("status").str());
    for (const char* field : {"reason", "message"}) {
      if (one.has(field)) out += " " + std::string(one.at(field).str());
    }
    return out;
  }
  return "none";
}

TEST(PodStatus, PhaseAndConditionsFollowFromTheContainers) {
  const std::string path = std::string(FAIRLEAD_SOURCE_DIR) + "/engine/node/testdata/pod_status.yaml";
  const auto cases = parse_yaml(read_file(path).value(), path);
  ASSERT_TRUE(cases.has_value()) << cases.error().to_string();
  ASSERT_GT(cases->front().size(), 10U);
  for (const Value& test : cases->front().items()) {
    const Value pod = pod_of(test);
    PodRecord record = record_of(test, pod);
    const Value status = pod_status(record, Time{Duration{1'000}});
    EXPECT_EQ(status.at("phase").str(), test.at("phase").str()) << test.at("name").str();
    for (const Member& expected : test.at("conditions").members()) {
      EXPECT_EQ(condition(status, expected.key), expected.value.str()) << test.at("name").str() << ": " << expected.key;
    }
  }
}

TEST(PodStatus, TransitionTimesMoveOnlyWithTheStatus) {
  const Value pod = Value::object();
  PodRecord record;
  record.pod = &pod;
  record.containers.push_back(container("a running"));
  const auto since = [&](const Value& status) {
    for (const Value& one : status.at("conditions").items()) {
      if (one.at("type").str() == "Ready") return std::string(one.at("lastTransitionTime").str());
    }
    return std::string();
  };
  const std::string first = since(pod_status(record, Time{Duration{1'000}}));
  EXPECT_EQ(since(pod_status(record, Time{Duration{5'000}})), first);
  record.containers[0].ready = true;
  EXPECT_NE(since(pod_status(record, Time{Duration{9'000}})), first);
}

TEST(PodStatus, ContainersSayWhatHappenedToThem) {
  const Value pod = Value::object();
  PodRecord record;
  record.pod = &pod;
  record.address = "10.244.0.2";
  record.containers.push_back(container("a waiting was 137"));
  record.containers[0].reason = "CrashLoopBackOff";
  record.containers[0].message = "back-off 10s";
  record.containers[0].last->reason = "OOMKilled";
  const Value status = pod_status(record, Time{});
  const Value& one = status.at("containerStatuses", 0);
  EXPECT_EQ(one.at("state", "waiting", "reason").str(), "CrashLoopBackOff");
  EXPECT_EQ(one.at("lastState", "terminated", "reason").str(), "OOMKilled");
  EXPECT_EQ(one.at("lastState", "terminated", "exitCode").int_or(0), 137);
  EXPECT_EQ(one.at("restartCount").int_or(0), 1);
  EXPECT_EQ(status.at("podIPs", 0, "ip").str(), "10.244.0.2");
}

TEST(PodStatus, AContainerWhosePostStartHookRunsIsNotSeenToRun) {
  const Value pod = Value::object();
  PodRecord record;
  record.pod = &pod;
  record.containers.push_back(container("a hooking"));
  EXPECT_EQ(pod_status(record, Time{}).at("containerStatuses", 0, "state", "waiting", "reason").str(),
            "ContainerCreating");
}

TEST(BackOff, DoublesToFiveMinutesAndForgivesAfterTenGoodOnes) {
  BackOff backoff;
  std::vector<std::int64_t> seconds;
  for (int i = 0; i < 8; ++i) seconds.push_back(backoff.next(std::chrono::seconds(1)).count() / 1000);
  EXPECT_EQ(seconds, (std::vector<std::int64_t>{0, 10, 20, 40, 80, 160, 300, 300}));
  EXPECT_EQ(backoff.next(std::chrono::minutes(10)).count(), 0);
  EXPECT_EQ(backoff.next(std::chrono::minutes(9)).count(), 10'000);
}

}  // namespace
}  // namespace fairlead::node
