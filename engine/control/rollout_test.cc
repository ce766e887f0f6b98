#include "engine/control/rollout.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/json_shape.h"
#include "base/yaml.h"
#include "engine/control/delivery.h"
#include "engine/control/rollout_template.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kRollout = R"(
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  strategy: {canary: {steps: [{setWeight: 50}, {pause: {}}]}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'shop/web:1'}]}
)";

// Recorded from argo-rollouts 1.10.1, utils/conditions: ComputeStepHash.
TEST(StepHash, IsUpstreams) {
  const auto hash = [](std::string_view yaml) { return step_hash(parse_yaml(yaml, "test")->front()); };
  EXPECT_EQ(step_hash(Value()), "5ffbfbbd64");
  EXPECT_EQ(hash("[]"), "5ffbfbbd64");
  EXPECT_EQ(hash("[{setWeight: 50}, {pause: {}}]"), "757f5f97b");
  EXPECT_EQ(hash(R"(
- {setWeight: 50}
- analysis:
    args: [{value: 'a<b&c', name: x}, {name: z, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
    templates: [{clusterScope: false, templateName: gate}]
    dryRun: [{metricName: a}]
    measurementRetention: [{metricName: a, limit: 3}]
    analysisRunMetadata: {labels: {b: c, a: d}, annotations: {}}
- {pause: {duration: 30s}}
- {pause: {duration: 30}}
- {setCanaryScale: {matchTrafficWeight: false, replicas: 2}}
)"),
            "b6c4ff554");
}

/// What a scenario does not see: each single write of the reconciler, and warnings of admission.
class RolloutTest : public testing::Test {
 protected:
  RolloutTest() {
    EXPECT_TRUE(store_.load().has_value());
    add_delivery_admission(api_);
  }

  api::ObjectPtr create(std::string_view yaml, std::vector<std::string>* warnings = nullptr) {
    const auto documents = parse_yaml(yaml, "test");
    EXPECT_TRUE(documents.has_value());
    const auto made = api_.create(rollouts_, "shop", documents->front(), {.warnings = warnings});
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return *made;
  }

  /// Reconciles until nothing changes; with `follow` pods are there, or gone, as soon as a ReplicaSet wants it.
  void settle(const api::Key& key, bool follow = true) {
    RolloutReconciler reconciler(api_, std::make_shared<ResumeGate>(std::vector<Outage>()));
    for (std::uint64_t before = 0; before != store_.revision();) {
      before = store_.revision();
      ASSERT_TRUE(reconciler.reconcile(key).has_value());
      if (!follow) continue;
      for (const auto& each : api_.list(replica_sets_, key.ns))
        ASSERT_TRUE(api_.mutate(each->key(), api::Subresource::kStatus, [&](Value& tree) {
          for (const std::string_view count : {"replicas", "readyReplicas", "availableReplicas"})
            tree["status"].set(count, each->at("spec", "replicas"));
          tree["status"].set("observedGeneration", each->at("metadata", "generation"));
        }));
    }
  }

  void set_image(const api::Key& key, std::string_view image) {
    change(key,
           [&](Value& spec) { spec["template"]["spec"]["containers"].mutable_items().front().set("image", image); });
  }

  std::int64_t size_of(std::string_view revision) {
    for (const auto& each : api_.list(replica_sets_, "shop"))
      if (each->annotation("rollout.argoproj.io/revision") == revision) return each->at("spec", "replicas").int_or(-1);
    return -1;
  }

  void set_available(std::string_view revision, std::int64_t count) {
    for (const auto& each : api_.list(replica_sets_, "shop"))
      if (each->annotation("rollout.argoproj.io/revision") == revision)
        ASSERT_TRUE(api_.mutate(each->key(), api::Subresource::kStatus,
                                [&](Value& tree) { tree["status"].set("availableReplicas", count); }));
  }

  void change(const api::Key& key, const std::function<void(Value&)>& spec) {
    ASSERT_TRUE(api_.mutate(key, api::Subresource::kNone, [&](Value& tree) { spec(tree["spec"]); }));
  }

  const api::Schema schema_;
  seam::VirtualTime time_{Time(std::chrono::hours(1))};
  std::unique_ptr<api::Journal> journal_ = api::memory_journal();
  api::Store store_{schema_, *journal_};
  api::Api api_{schema_, store_, time_, 1};
  const api::Resource& rollouts_ = schema_.resource("argoproj.io", "rollouts");
  const api::Resource& replica_sets_ = schema_.resource("apps", "replicasets");
};

TEST_F(RolloutTest, ANewGenerationIsNotHealthyBeforeItsUpdate) {
  const api::Key key = create(kRollout)->key();
  settle(key);
  ASSERT_EQ(api_.get(key)->at("status", "phase").str(), "Healthy");
  change(key, [](Value& spec) { spec.set("paused", true); });
  settle(key);
  ASSERT_EQ(api_.get(key)->at("status", "phase").str(), "Paused");

  std::vector<std::string> wrong;
  store_.subscribe([&](const api::Event& event) {
    const api::Object& object = *event.object;
    const std::string generation = std::to_string(object.at("metadata", "generation").int_or(0));
    if (object.key() == key && object.at("status", "observedGeneration").str() == generation &&
        object.at("status", "phase").str() == "Healthy")
      wrong.push_back(generation);
  });
  // One that ends a pause, and one that does not.
  change(key, [](Value& spec) {
    spec.set("paused", false);
    spec["template"]["spec"]["containers"].mutable_items().front().set("image", "shop/web:2");
  });
  settle(key);
  ASSERT_EQ(api_.get(key)->at("status", "currentStepIndex").int_or(-1), 1);
  set_image(key, "shop/web:3");
  settle(key);
  EXPECT_EQ(api_.get(key)->at("status", "phase").str(), "Paused");
  EXPECT_EQ(wrong, std::vector<std::string>());
}

TEST_F(RolloutTest, WhatAnOldVersionWasToldToGiveUpIsNoRoom) {
  const api::Key key = create(kRollout)->key();
  change(key, [](Value& spec) { spec.set("replicas", 4); });
  settle(key);
  set_image(key, "shop/web:2");
  settle(key);
  ASSERT_EQ(size_of("1"), 2);
  ASSERT_EQ(size_of("2"), 2);
  // maxUnavailable is one pod, and it takes a while until the second version has given it up.
  set_image(key, "shop/web:3");
  settle(key, false);
  EXPECT_EQ(size_of("1"), 2);
  EXPECT_EQ(size_of("2"), 1);
}

TEST_F(RolloutTest, NothingIsGivenUpWhileAnOldVersionHasMoreThanItWasTold) {
  const api::Key key = create(kRollout)->key();
  change(key, [](Value& spec) { spec.set("replicas", 4); });
  settle(key);
  set_image(key, "shop/web:2");
  settle(key);
  time_.move_to(time_.now() + std::chrono::seconds(1));
  set_image(key, "shop/web:3");
  settle(key, false);
  ASSERT_EQ(size_of("2"), 1);
  ASSERT_EQ(size_of("3"), 2);
  set_available("2", 0);
  set_available("3", 3);
  set_image(key, "shop/web:4");
  settle(key, false);
  // All of the second would be given up, were the third not on its way down.
  EXPECT_EQ(size_of("2"), 1);
  EXPECT_EQ(size_of("3"), 2);
}

TEST_F(RolloutTest, AStateWithTheFormerHashOfItsStepsStartsNothingAnew) {
  const auto gate = parse_yaml(R"(
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: gate}
spec:
  args: [{name: a}]
  metrics: [{name: m, count: 1, provider: {prometheus: {address: "http://prometheus", query: "1"}}}]
)",
                               "test");
  ASSERT_TRUE(api_.create(schema_.resource("argoproj.io", "analysistemplates"), "shop", gate->front()).has_value());
  std::string yaml(kRollout);
  yaml.replace(yaml.find("{pause: {}}"), 11,
               "{pause: {}}, {analysis: {templates: [{templateName: gate}], args: [{value: x, name: a}]}}");
  const api::Key key = create(yaml)->key();
  settle(key);
  set_image(key, "shop/web:2");
  settle(key);
  ASSERT_EQ(api_.get(key)->at("status", "currentStepIndex").int_or(-1), 1);
  const std::string now(api_.get(key)->at("status", "currentStepHash").str());
  const auto write = [&](std::string_view hash) {
    ASSERT_TRUE(api_.mutate(key, api::Subresource::kStatus, [&](Value& tree) {
      tree["status"].set("currentStepHash", hash).set("abort", true).set("abortedAt", format_time(time_.now()));
    }));
    settle(key);
  };
  write("SOMETHING");
  EXPECT_FALSE(api_.get(key)->at("status", "abort").bool_or(false));
  const Value steps = api_.get(key)->at("spec", "strategy", "canary", "steps");
  for (const std::string& former : {to_json(steps), canonical_json(steps)}) {
    const std::string hash = safe_encode(std::to_string(fnv1a32(former)));
    ASSERT_NE(hash, now);
    write(hash);
    EXPECT_TRUE(api_.get(key)->at("status", "abort").bool_or(false)) << former;
    EXPECT_EQ(api_.get(key)->at("status", "currentStepHash").str(), now);
  }
}

TEST_F(RolloutTest, TheWriterIsWarnedOfTraps) {
  std::vector<std::string> said;
  std::string yaml(kRollout);
  yaml.replace(yaml.find("steps:"), 0,
               "trafficRouting: {plugins: {argoproj-labs/gatewayAPI: {httpRoute: web}}}, canaryService: web-canary, "
               "stableService: web, dynamicStableScale: true, abortScaleDownDelaySeconds: 1000, ");
  create(yaml, &said);
  ASSERT_EQ(said.size(), 2U);
  EXPECT_TRUE(said[0].starts_with("spec.strategy.canary.abortScaleDownDelaySeconds: with dynamicStableScale"));
  EXPECT_TRUE(said[1].starts_with("spec.strategy.canary.abortScaleDownDelaySeconds: more than 900 s is no delay"));
}

}  // namespace
}  // namespace fairlead::control
