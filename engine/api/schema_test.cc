#include "engine/api/schema.h"

#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

#include "base/json.h"

namespace fairlead::api {
namespace {

const Schema& schema() {
  static const Schema instance;
  return instance;
}

Value json(std::string_view text) {
  Result<Value> value = parse_json(text, "test.json");
  EXPECT_TRUE(value) << value.error().to_string();
  return value.value_or(Value());
}

TEST(Schema, IsReadyWithinItsShareOfTheStartUpTime) {
  // The whole engine must be ready in 50 ms; sanitizers and a busy machine make a single run say little.
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Schema fresh;
    best = std::min(best, std::chrono::steady_clock::now() - start);
    EXPECT_GT(fresh.resources().size(), 80U);
  }
  RecordProperty("microseconds", static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(best).count()));
  EXPECT_LT(best, std::chrono::milliseconds(100));
}

TEST(Schema, FindsResourcesByKindAndByPlural) {
  const Resource* deployment = schema().by_kind("apps/v1", "Deployment");
  ASSERT_NE(deployment, nullptr);
  EXPECT_EQ(deployment, schema().by_kind("apps", "v1", "Deployment"));
  EXPECT_EQ(deployment, schema().by_plural("apps", "v1", "deployments"));
  EXPECT_EQ(deployment, &schema().resource("apps", "deployments"));
  EXPECT_EQ(deployment->singular, "deployment");
  EXPECT_EQ(deployment->short_names, std::vector<std::string>{"deploy"});
  EXPECT_EQ(deployment->categories, std::vector<std::string>{"all"});
  EXPECT_TRUE(deployment->namespaced && deployment->has_status && deployment->has_scale && deployment->acted_on);
  EXPECT_EQ(deployment->columns.at(1).name, "Ready");
  EXPECT_EQ(schema().by_kind("v1", "Pod")->api_version(), "v1");
  EXPECT_EQ(schema().by_kind("apps/v2", "Deployment"), nullptr);
}

TEST(Schema, KnowsTheDefinitionsOfTheAddOns) {
  const Resource& rollout = schema().resource("argoproj.io", "rollouts");
  EXPECT_EQ(rollout.short_names, std::vector<std::string>{"ro"});
  EXPECT_EQ(rollout.scale.spec_replicas, ".spec.replicas");
  EXPECT_EQ(rollout.scale.selector, ".status.selector");
  EXPECT_EQ(rollout.columns.at(1).json_path, ".spec.replicas");
  const Resource* old = schema().by_kind("gateway.networking.k8s.io", "v1beta1", "HTTPRoute");
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(old->storage, schema().by_kind("gateway.networking.k8s.io", "v1", "HTTPRoute"));
}

TEST(Schema, MessagesAreFoundButNotServed) {
  ASSERT_NE(schema().by_kind("policy/v1", "Eviction"), nullptr);
  EXPECT_EQ(schema().by_kind("apps/v1", "DeleteOptions"), schema().by_kind("v1", "DeleteOptions"));
  for (const Resource* resource : schema().resources()) EXPECT_FALSE(resource->plural.empty()) << resource->kind;
}

TEST(Decode, ReportsUnknownFieldsWithPathAndPlaceAndDropsThem) {
  Value pod = json("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\n\"spec\":{\"containers\":[{\"name\":\"a\",\"imagee\":\"b\"}]}}");
  pod.find("spec")->find("containers")->mutable_items()[0].find("imagee")->set_position(2, 40);
  const auto findings = schema().decode(*schema().by_kind("v1", "Pod"), pod);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].reason, FieldError::Reason::kUnknown);
  EXPECT_EQ(findings[0].message, "unknown field \"spec.containers[0].imagee\"");
  EXPECT_EQ(findings[0].line, 2U);
  EXPECT_FALSE(pod.at("spec", "containers", 0).has("imagee"));
}

TEST(Decode, ReportsWrongTypesAsUpstreamWordsThem) {
  Value deployment = json(R"({"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":"three"}})");
  const auto findings = schema().decode(*schema().by_kind("apps/v1", "Deployment"), deployment);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].reason, FieldError::Reason::kType);
  EXPECT_EQ(findings[0].field, "spec.replicas");
  EXPECT_EQ(findings[0].message,
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32");
}

TEST(Decode, NormalisesScalarsAsUpstreamsEncoderWritesThem) {
  Value pod = json(R"({"apiVersion":"v1","kind":"Pod","spec":{"hostNetwork":false,"nodeName":null,"containers":[
    {"name":"a","args":[],"resources":{"limits":{"cpu":0.5,"memory":"1024Ki","a/b":"1000m","c/d":"1e3"}}}]}})");
  EXPECT_TRUE(schema().decode(*schema().by_kind("v1", "Pod"), pod).empty());
  EXPECT_EQ(pod.at("spec"), json(R"({"containers":[{"name":"a","resources":
    {"limits":{"cpu":"500m","memory":"1Mi","a/b":"1","c/d":"1e3"}}}]})"));
}

TEST(Decode, LeavesCustomResourcesAsTheyWereWritten) {
  Value rollout = json(R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","spec":{"paused":false,"template":{"spec":
    {"containers":[{"name":"a","resources":{"limits":{"cpu":0.5}}}]}},"wrong":1}})");
  const auto findings = schema().decode(*schema().by_kind("argoproj.io/v1alpha1", "Rollout"), rollout);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].message, "unknown field \"spec.wrong\"");
  EXPECT_TRUE(rollout.at("spec").has("paused"));
  EXPECT_EQ(rollout.at("spec", "template", "spec", "containers", 0, "resources", "limits", "cpu"), Value(0.5));
}

TEST(Defaults, WriteTheZeroValuesThatUpstreamWrites) {
  Value role = json(R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"a"}})");
  schema().apply_defaults(*schema().by_kind("rbac.authorization.k8s.io/v1", "Role"), role);
  ASSERT_TRUE(role.has("rules"));
  EXPECT_TRUE(role.at("rules").is_null());
}

}  // namespace
}  // namespace fairlead::api
