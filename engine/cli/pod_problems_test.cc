#include "engine/cli/pod_problems.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace fairlead::cli {
namespace {

Value yaml(std::string_view text) {
  auto documents = parse_yaml(text, "test");
  EXPECT_TRUE(documents) << documents.error().to_string();
  return documents->front();
}

/// A canary's pods, each with one container called web of this status.
std::vector<std::string> problems_of(const std::vector<std::string>& containers, const std::string& events = "[]") {
  ServiceObjects objects;
  objects.rollout = yaml("metadata: {name: web, namespace: shop, uid: u1}");
  for (const std::string& container : containers) {
    const std::string name = fmt::format("web-{}", objects.pods.size() + 1);
    objects.pods.push_back(yaml(
        fmt::format("metadata: {{name: {0}, uid: {0}, namespace: shop, labels: {{rollouts-pod-template-hash: bbb}}}}\n"
                    "status: {{containerStatuses: [{1}]}}",
                    name, container)));
  }
  objects.events = yaml(events).items();
  objects.buildable = {"catalog"};
  VersionStatus version;
  version.role = "canary";
  version.label = "v2";
  version.hash = "bbb";
  return pod_problems(objects, {version});
}

constexpr const char* kUnready = "{name: web, ready: false, state: {running: {}}}";

TEST(PodProblems, a_crash_comes_with_its_exit_code_and_the_last_that_it_said) {
  const std::string crashed =
      R"({name: web, ready: false, state: {waiting: {reason: CrashLoopBackOff, message: back-off 10s restarting}},
          lastState: {terminated: {exitCode: 3, message: "starting\nPORT is no port\n"}}})";
  EXPECT_EQ(problems_of({crashed, crashed}),
            std::vector<std::string>{"canary v2, pod web-1: CrashLoopBackOff: ended with exit code 3, saying \"PORT is "
                                     "no port\": see `fairlead logs web-1`"});
  EXPECT_EQ(problems_of({"{state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137}}}"}),
            std::vector<std::string>{
                "canary v2, pod web-1: CrashLoopBackOff: ended with exit code 137: see `fairlead logs web-1`"});
}

TEST(PodProblems, a_container_that_is_not_ready_comes_with_the_probe_that_it_fails) {
  const std::string events = R"(
- {involvedObject: {uid: web-1, fieldPath: "spec.containers{web}"}, count: 3, lastTimestamp: "2026-11-23T10:00:05Z",
   message: "Readiness probe failed: HTTP probe failed with statuscode: 404"}
- {involvedObject: {uid: web-1, fieldPath: "spec.containers{web}"}, count: 9, lastTimestamp: "2026-11-23T10:00:01Z",
   message: "Startup probe failed: connection refused"}
- {involvedObject: {uid: other}, count: 9, lastTimestamp: "2026-11-23T10:00:09Z", message: "another pod's"}
)";
  EXPECT_EQ(problems_of({kUnready}, events),
            std::vector<std::string>{
                "canary v2, pod web-1: not Ready: Readiness probe failed: HTTP probe failed with statuscode: 404"});
  EXPECT_TRUE(problems_of({"{name: web, ready: true, state: {running: {}}}"}, events).empty()) << "it is over";
}

TEST(PodProblems, an_image_that_is_not_here_comes_with_advice_where_this_checkout_can_make_it) {
  const auto of = [](std::string_view image) {
    return problems_of(
        {fmt::format("{{image: '{}', state: {{waiting: {{reason: ImagePullBackOff, message: none}}}}}}", image)});
  };
  EXPECT_EQ(of("r/catalog:v9@sha256:1"),
            std::vector<std::string>{
                "canary v2, pod web-1: ImagePullBackOff: none: `fairlead ship catalog` builds one and pins it"});
  EXPECT_EQ(of("nginx"), std::vector<std::string>{"canary v2, pod web-1: ImagePullBackOff: none"});
}

TEST(PodProblems, a_container_that_is_about_to_be_ready_has_none) {
  EXPECT_TRUE(problems_of({kUnready}).empty());
  EXPECT_TRUE(
      problems_of({kUnready}, "[{involvedObject: {uid: web-1}, count: 1, message: 'Readiness probe failed: no'}]")
          .empty());
  EXPECT_TRUE(problems_of({"{name: web, ready: false, state: {waiting: {reason: ContainerCreating}}}"}).empty());
}

}  // namespace
}  // namespace fairlead::cli
