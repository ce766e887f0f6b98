#include <gtest/gtest.h>

#include "base/yaml.h"
#include "engine/control/controllers.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::control {
namespace {

class UnactedFieldsTest : public testing::Test {
 protected:
  UnactedFieldsTest() {
    EXPECT_TRUE(store_.load().has_value());
    add_unacted_fields_admission(api_);
  }

  std::vector<std::string> warnings(const std::string& yaml) {
    std::vector<std::string> out;
    const auto documents = parse_yaml(yaml, "test");
    EXPECT_TRUE(documents.has_value());
    const Value& tree = documents->front();
    const api::Resource* resource = schema_.by_kind(tree.at("apiVersion").str(), tree.at("kind").str());
    const auto made = api_.create(*resource, "shop", tree, {.warnings = &out});
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return out;
  }

  const api::Schema schema_;
  seam::VirtualTime time_{Time()};
  std::unique_ptr<api::Journal> journal_ = api::memory_journal();
  api::Store store_{schema_, *journal_};
  api::Api api_{schema_, store_, time_, 1};
};

TEST_F(UnactedFieldsTest, ApplicationOptions) {
  const auto said = warnings(R"(
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  project: default
  source: {repoURL: https://git.example/shop.git, path: web}
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  syncPolicy:
    managedNamespaceMetadata: {labels: {a: b}}
    syncOptions: [CreateNamespace=true, PruneLast=true, ServerSideApply=false, Replace=true]
)");
  ASSERT_EQ(said.size(), 2U);
  EXPECT_TRUE(said[0].starts_with("spec.syncPolicy.syncOptions[Replace=true] is not acted on here"));
  EXPECT_TRUE(said[1].starts_with("spec.syncPolicy.managedNamespaceMetadata is not acted on here"));
}

TEST_F(UnactedFieldsTest, OperationOptions) {
  const auto said = warnings(R"(
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
operation: {sync: {}}
spec:
  project: default
  source: {repoURL: https://git.example/shop.git, path: web}
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  syncPolicy: {retry: {refresh: true}, syncOptions: [CreateNamespace=true]}
)");
  ASSERT_EQ(said.size(), 1U);
  EXPECT_TRUE(said[0].starts_with("operation.sync.syncOptions is left out"));
}

TEST_F(UnactedFieldsTest, Projects) {
  const auto said = warnings(R"(
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec:
  sourceRepos: ["*"]
  permitOnlyProjectScopedClusters: true
  signatureKeys: [{keyID: "0123456789ABCDEF"}]
  orphanedResources: {warn: true}
)");
  ASSERT_EQ(said.size(), 3U);
  EXPECT_TRUE(said[0].starts_with("project shop asks for verified commits (spec.signatureKeys)"));
  EXPECT_TRUE(said[1].starts_with("spec.permitOnlyProjectScopedClusters"));
  EXPECT_TRUE(said[2].starts_with("spec.orphanedResources is not acted on here"));
}

TEST_F(UnactedFieldsTest, MetricsFromOutside) {
  const auto said = warnings(R"(
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
  - {type: External, external: {metric: {name: queue}, target: {type: AverageValue, averageValue: 5}}}
)");
  ASSERT_EQ(said.size(), 1U);
  EXPECT_TRUE(
      said[0].starts_with("spec.metrics[1] is not acted on here: nothing here measures for metrics of type External"));
}

TEST_F(UnactedFieldsTest, EndpointsThatTakeNoTraffic) {
  const auto said = warnings(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web, labels: {kubernetes.io/service-name: web}}
addressType: FQDN
ports: [{name: http, port: 80}, {name: any}]
endpoints: [{addresses: [web.example]}]
)");
  ASSERT_EQ(said.size(), 2U);
  EXPECT_TRUE(said[0].starts_with("addressType FQDN is not acted on here"));
  EXPECT_TRUE(said[1].starts_with("ports[1] without a number is not acted on here"));
  EXPECT_TRUE(warnings(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: v4}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{addresses: [10.0.0.1]}]
)")
                  .empty());
}

}  // namespace
}  // namespace fairlead::control
