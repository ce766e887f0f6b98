#include <gtest/gtest.h>

#include "base/yaml.h"
#include "engine/control/controllers.h"
#include "engine/control/http_route.h"
#include "engine/control/http_route_filters.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::control {
namespace {

class GatewayAdmissionTest : public testing::Test {
 protected:
  GatewayAdmissionTest() {
    EXPECT_TRUE(store_.load().has_value());
    add_gateway_admission(api_);
  }

  /// What is said of an object that is taken.
  std::vector<std::string> warnings(const std::string& yaml) {
    std::vector<std::string> out;
    const auto documents = parse_yaml(yaml, "test");
    EXPECT_TRUE(documents.has_value());
    const Value& tree = documents->front();
    const api::Resource* resource = schema_.by_kind(tree.at("apiVersion").str(), tree.at("kind").str());
    const auto made = api_.create(*resource, resource->namespaced ? "shop" : "", tree, {.warnings = &out});
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return out;
  }

  const api::Schema schema_;
  seam::VirtualTime time_{Time()};
  std::unique_ptr<api::Journal> journal_ = api::memory_journal();
  api::Store store_{schema_, *journal_};
  api::Api api_{schema_, store_, time_, 1};
};

TEST_F(GatewayAdmissionTest, WhatNothingActsOnIsSaid) {
  const auto of_class = warnings(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: edge}
spec:
  controllerName: gateway.envoyproxy.io/gatewayclass-controller
  parametersRef: {group: gateway.envoyproxy.io, kind: EnvoyProxy, name: edge, namespace: gateway}
)");
  ASSERT_EQ(of_class.size(), 1U);
  EXPECT_TRUE(of_class[0].starts_with("spec.parametersRef is not acted on here"));
  const auto of_gateway = warnings(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: edge
  infrastructure: {labels: {a: b}, annotations: {c: d}}
  listeners: [{name: http, port: 8080, protocol: HTTP}]
)");
  ASSERT_EQ(of_gateway.size(), 2U);
  EXPECT_TRUE(of_gateway[0].starts_with("spec.infrastructure.labels is not acted on here"));
  EXPECT_TRUE(of_gateway[1].starts_with("spec.infrastructure.annotations is not acted on here"));
  const auto of_route = warnings(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: edge}, {group: "", kind: Service, name: web}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
)");
  ASSERT_EQ(of_route.size(), 1U);
  EXPECT_TRUE(of_route[0].starts_with("spec.parentRefs[1] is not acted on here"));
}

TEST(HttpRouteFilters, OfEquivalentHeadersTheFirstCounts) {
  std::vector<seam::StringMatch> matches = {
      {"Exact", "X-Beta", "yes"}, {"Exact", "x-beta", "no"}, {"Exact", "X-Other", "1"}};
  keep_first_header(matches);
  EXPECT_EQ(matches, (std::vector<seam::StringMatch>{{"Exact", "X-Beta", "yes"}, {"Exact", "X-Other", "1"}}));
}

}  // namespace
}  // namespace fairlead::control
