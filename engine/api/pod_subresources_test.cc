#include "engine/api/testing_admission.h"

namespace fairlead::api {
namespace {

class Eviction : public AdmissionTest {
 protected:
  Eviction() {
    make("pods", R"({"metadata":{"name":"p","labels":{"app":"web"}},"spec":{"nodeName":"n",
        "containers":[{"name":"c","image":"i"}]}})");
    set_status(kPod, R"({"phase":"Running","conditions":[{"type":"Ready","status":"True"}]})");
  }
  Key budget(std::string_view name, std::string_view more = "") {
    make("poddisruptionbudgets", fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{{"minAvailable":1,
        "selector":{{"matchLabels":{{"app":"web"}}}}{}}}}})",
                                             name, more));
    return {&schema().resource("policy", "poddisruptionbudgets"), "shop", std::string(name)};
  }
  void set_status(const Key& key, std::string_view status) {
    const auto out = api_.mutate(key, Subresource::kStatus, [&](Value& tree) {
      for (const Member& member : parse_json(status)->members()) tree["status"].set(member.key, member.value);
    });
    EXPECT_TRUE(out.has_value()) << out.error().message;
  }
  /// Why the pod may not be evicted; empty when it was.
  std::string refusal(int code = 429) {
    const Value eviction = *parse_json(R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p"}})");
    const auto out = api_.update(kPod, eviction, Subresource::kEviction);
    if (out) return {};
    EXPECT_EQ(out.error().code, code) << out.error().message;
    return out.error().causes.empty() ? out.error().message : out.error().causes[0].message;
  }
  const Key kPod{&schema().resource("", "pods"), "shop", "p"};
};

TEST_F(Eviction, SaysWhyABudgetAllowsNone) {
  const Key key = budget("b");
  EXPECT_EQ(refusal(), "The disruption budget b is still being processed by the server.");
  set_status(key, R"({"observedGeneration":1,"expectedPods":1,"currentHealthy":1,"desiredHealthy":1,
      "disruptionsAllowed":0})");
  EXPECT_EQ(refusal(), "The disruption budget b needs 1 healthy pods and has 1 currently");
  set_status(key, R"({"currentHealthy":3})");
  EXPECT_EQ(refusal(), "The disruption budget b does not allow evicting pods currently");
  const auto because = [&](std::string_view reason, std::string_view message) {
    set_status(key, fmt::format(R"({{"conditions":[{{"type":"DisruptionAllowed","status":"False","reason":"{}",
        "message":"{}","lastTransitionTime":"2026-11-23T10:00:00Z"}}]}})",
                                reason, message));
  };
  because("InsufficientPods", "too few");
  EXPECT_EQ(refusal(), "The disruption budget b does not allow evicting pods currently (InsufficientPods): too few");
  because("SyncFailed", "found no controllers");
  const std::string failed =
      "The disruption budget b does not allow evicting pods currently because it failed sync: found no controllers";
  EXPECT_EQ(refusal(), failed);
  set_status(key, R"({"currentHealthy":0})");
  EXPECT_EQ(refusal(), failed) << "counts are not to be trusted then";
}

TEST_F(Eviction, IsSaidInTheConditionsOfThePodAndOfTheBudget) {
  const Key key = budget("b");
  set_status(key, R"({"observedGeneration":1,"expectedPods":2,"currentHealthy":2,"desiredHealthy":1,
      "disruptionsAllowed":1})");
  EXPECT_EQ(refusal(), "");
  const ObjectPtr pod = store_.get(kPod);
  EXPECT_TRUE(pod->deleting());
  EXPECT_EQ(pod->at("status", "conditions", 1),
            *parse_json(R"({"type":"DisruptionTarget","status":"True","lastProbeTime":null,
                "lastTransitionTime":"2026-11-23T10:00:00Z","reason":"EvictionByEvictionAPI",
                "message":"Eviction API: evicting"})"));
  const Value& status = store_.get(key)->at("status");
  EXPECT_EQ(status.at("disruptionsAllowed").int_or(9), 0);
  EXPECT_TRUE(status.at("disruptedPods").has("p"));
  EXPECT_EQ(status.at("conditions", 0, "reason").str(), "InsufficientPods");
}

TEST_F(Eviction, OfAPodThatIsNotReadyDependsOnThePolicy) {
  set_status(kPod, R"({"conditions":[{"type":"Ready","status":"False"}]})");
  const Key key = budget("b");
  const std::string_view too_few = R"({"observedGeneration":1,"expectedPods":2,"currentHealthy":0,"desiredHealthy":1,
      "disruptionsAllowed":0})";
  set_status(key, too_few);
  EXPECT_NE(refusal(), "") << "a budget that is not healthy guards its pods";
  set_status(key, R"({"currentHealthy":1})");
  EXPECT_EQ(refusal(), "") << "and one that is does not need this one";
  EXPECT_EQ(store_.get(key)->at("status", "disruptionsAllowed").int_or(9), 0) << "which is no disruption";
}

TEST_F(Eviction, OfAPodThatIsNotReadyIsAlwaysAllowedWhereAskedFor) {
  set_status(kPod, R"({"conditions":[{"type":"Ready","status":"False"}]})");
  const Key key = budget("b", R"(,"unhealthyPodEvictionPolicy":"AlwaysAllow")");
  EXPECT_EQ(refusal(), "") << "even before it is counted";
  EXPECT_TRUE(store_.get(kPod)->deleting());
  EXPECT_FALSE(store_.get(key)->at("status").has("disruptedPods"));
}

TEST_F(Eviction, OfAReadyPodIsGuardedWhateverThePolicy) {
  budget("b", R"(,"unhealthyPodEvictionPolicy":"AlwaysAllow")");
  EXPECT_NE(refusal(), "");
}

TEST_F(Eviction, IsNotKnownToTwoBudgets) {
  budget("a");
  budget("b");
  EXPECT_EQ(refusal(500),
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
  EXPECT_FALSE(store_.get(kPod)->deleting());
}

TEST_F(Eviction, OfAPodThatWasStoredUnderOlderRulesIsPossible) {
  Value pod = store_.get(kPod)->tree();
  pod.make("spec", "preemptionPolicy") = "Sometimes";
  store_.put(kPod, std::move(pod));
  EXPECT_EQ(refusal(), "");
}

TEST_F(Eviction, OfAPodThatEndedAsksNoBudget) {
  budget("a");
  budget("b");
  set_status(kPod, R"({"phase":"Failed"})");
  EXPECT_EQ(refusal(), "");
}

}  // namespace
}  // namespace fairlead::api
