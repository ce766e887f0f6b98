// Bodies of hostile or careless clients, also those that are no objects to store: each is decoded before it is used.
#include <gtest/gtest.h>

#include "engine/api/testing_client.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kPods = "/api/v1/namespaces/default/pods";
constexpr std::string_view kRollouts = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts";
constexpr std::string_view kTemplates = "/apis/argoproj.io/v1alpha1/namespaces/default/analysistemplates";
constexpr std::string_view kDeployments = "/apis/apps/v1/namespaces/default/deployments";

class TypedBodiesTest : public ServerTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(post("/api/v1/namespaces/default/serviceaccounts", R"({"metadata":{"name":"default"}})").code, 201);
    ASSERT_EQ(
        post(kPods, R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"example/c:1"}]}})").code,
        201);
    for (const auto& [path, kind] : {std::pair(kRollouts, R"("apiVersion":"argoproj.io/v1alpha1","kind":"Rollout",)"),
                                     std::pair(kDeployments, "")}) {
      const auto made = post(
          path, fmt::format("{{{}{}", kind, R"("metadata":{"name":"w"},"spec":{"selector":{"matchLabels":{"a":"w"}},
          "template":{"metadata":{"labels":{"a":"w"}},"spec":{"containers":[{"name":"c","image":"example/c:1"}]}}}})"));
      ASSERT_EQ(made.code, 201) << made.text;
    }
  }
  Answer merge(std::string_view target, std::string body) {
    return send(admin_, request("PATCH", target, std::move(body), "application/merge-patch+json"));
  }
  Answer remove(std::string_view target, std::string body) {
    return send(admin_, request("DELETE", target, std::move(body)));
  }
  bool has_pod() { return get(fmt::format("{}/p", kPods)).code == 200; }
};

TEST_F(TypedBodiesTest, WrongTypesAreRefused) {
  const std::string rollout = fmt::format("{}/w", kRollouts);
  EXPECT_EQ(merge(rollout, R"({"metadata":"x"})").code, 400);
  EXPECT_EQ(post(kRollouts, R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":"x"})").code, 400);
  EXPECT_GE(merge(rollout, R"({"spec":{"template":{"spec":{"containers":{"a":"b"}}}}})").code, 400);
  EXPECT_GE(
      post(
          kTemplates,
          R"({"apiVersion":"argoproj.io/v1alpha1","kind":"AnalysisTemplate","metadata":{"name":"t"},"spec":{"metrics":[{"name":"m","provider":[{}]}]}})")
          .code,
      400);
  for (const std::string_view spec : {R"("x")", R"({"audiences":"x"})", R"({"expirationSeconds":"x"})"}) {
    const auto body =
        fmt::format(R"({{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}})", spec);
    EXPECT_EQ(post("/api/v1/namespaces/default/serviceaccounts/default/token", body).code, 400) << spec;
  }
  EXPECT_EQ(post("/apis/authorization.k8s.io/v1/subjectaccessreviews",
                 R"({"spec":{"user":"a","groups":"x","nonResourceAttributes":{"verb":"get","path":"/"}}})")
                .code,
            400);
  EXPECT_EQ(post("/apis/authentication.k8s.io/v1/tokenreviews", R"({"spec":{"token":"a","audiences":"x"}})").code, 400);
  EXPECT_EQ(get("/healthz").text, "ok");
}

TEST_F(TypedBodiesTest, AScaleIsOne) {
  const std::string scale = fmt::format("{}/w/scale", kDeployments);
  EXPECT_EQ(merge(scale, R"({"spec":{"replicas":8589934592}})").code, 400);
  EXPECT_EQ(merge(scale, R"({"spec":{"replicas":"3"}})").code, 400);
  EXPECT_EQ(
      send(admin_, request("PUT", scale,
                           R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"w"},"spec":{"replicas":2}})"))
          .code,
      400);
  EXPECT_EQ(merge(scale, R"({"spec":{"replicas":3}})").body.at("spec", "replicas").int_or(0), 3);
}

TEST_F(TypedBodiesTest, ADeletionIsWhatItsOptionsSay) {
  const std::string pod = fmt::format("{}/p", kPods);
  EXPECT_EQ(remove(pod, R"({"dryRun":"All"})").code, 400);
  EXPECT_EQ(remove(pod, R"({"preconditions":{"uid":5}})").code, 400);
  EXPECT_EQ(remove(pod, R"({"preconditions":{"uid":"other"}})").code, 409);
  EXPECT_EQ(remove(pod, R"({"orphanDependents":true,"propagationPolicy":"Orphan"})").code, 422);
  EXPECT_EQ(remove(pod, R"({"kind":"DeleteOptions","apiVersion":"apps/v1","dryRun":["All"]})").code, 200);
  EXPECT_TRUE(has_pod());
}

TEST_F(TypedBodiesTest, AnEvictionIsADeletion) {
  const std::string eviction = fmt::format("{}/p/eviction", kPods);
  const auto evict = [&](std::string_view options) {
    return post(
        eviction,
        fmt::format(R"({{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"p"}},"deleteOptions":{}}})",
                    options));
  };
  EXPECT_EQ(evict(R"({"dryRun":["All"]})").code, 201);
  EXPECT_EQ(evict(R"({"preconditions":{"uid":"other"}})").code, 409);
  EXPECT_EQ(evict(R"({"dryRun":["Some"]})").code, 422);
  EXPECT_EQ(evict(R"({"dryRun":"All"})").code, 400);
  EXPECT_TRUE(has_pod());
  EXPECT_EQ(evict(R"({"gracePeriodSeconds":0})").code, 201);
  EXPECT_FALSE(has_pod());
}

TEST_F(TypedBodiesTest, ABindingLeavesAValidPod) {
  const std::string binding = fmt::format("{}/p/binding", kPods);
  EXPECT_EQ(post(binding, R"({"target":{"name":"n1"},"metadata":{"name":"p","annotations":{"bad key!!":"x"}}})").code,
            422);
  EXPECT_EQ(post(binding, R"({"target":{"name":"n1"},"metadata":{"name":"p","annotations":{"a":["b"]}}})").code, 400);
  EXPECT_EQ(post(binding, R"({"target":{"kind":"Pod","name":"n1"},"metadata":{"name":"p"}})").code, 422);
  EXPECT_EQ(post(binding, R"({"target":{"name":"n1"},"metadata":{"name":"q"}})").code, 400);
  EXPECT_EQ(post("/api/v1/namespaces/default/bindings", R"({"target":{"name":"n1"}})").code, 400);
  const auto bound =
      post("/api/v1/namespaces/default/bindings", R"({"target":{"kind":"Node","name":"n1"},"metadata":{"name":"p"}})");
  EXPECT_EQ(bound.code, 201) << bound.text;
  EXPECT_EQ(get(fmt::format("{}/p", kPods)).body.at("spec", "nodeName").str(), "n1");
}

}  // namespace
}  // namespace fairlead::api
