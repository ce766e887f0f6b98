// An Application that brings a kind and objects of it; scenarios share one schema, to which nothing may be added.
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "engine/control/application.h"
#include "engine/control/cluster_controllers.h"
#include "engine/control/controllers.h"
#include "engine/seam/simulated_source.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kRepo = "https://git.example/shop.git";
constexpr std::string_view kCluster = R"(
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec: {sourceRepos: ["*"], destinations: [{server: "*", namespace: "*"}], clusterResourceWhitelist: [{group: "*", kind: "*"}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example/shop.git, targetRevision: main, path: web}
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  syncPolicy: {automated: {}}
)";
constexpr std::string_view kDefinition = R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  scope: SCOPE
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}
)";

class ApplicationDefinitionTest : public testing::Test {
 protected:
  ApplicationDefinitionTest() {
    EXPECT_TRUE(store_.load().has_value());
    manager_.add(make_definition_controller(api_, schema_));
    manager_.add(std::make_unique<ApplicationReconciler>(api_, manager_, source_, Seams{}.between_waves));
    for (const Value& tree : documents(kCluster)) {
      const api::Resource& resource = *schema_.by_kind(tree.at("apiVersion").str(), tree.at("kind").str());
      EXPECT_TRUE(api_.create(resource, "argocd", tree).has_value());
    }
    manager_.start();
  }

  static std::vector<Value> documents(std::string_view text) {
    auto out = parse_yaml(text, "test");
    EXPECT_TRUE(out.has_value());
    return *out;
  }

  void push(std::string_view files) {
    seam::Manifests content{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", "", std::vector<seam::Manifest>()};
    for (const Value& tree : documents(files)) content.manifests->push_back({"web/all.yaml", tree});
    source_.push(std::string(kRepo), "main", std::move(content));
  }

  void run_for(Duration length) {
    for (const Time end = time_.now() + length; time_.now() <= end; time_.move_to(time_.now() + Duration(50))) {
      while (time_.run_due() || manager_.run(10)) {
      }
    }
  }

  const Value& operation() {
    application_ = api_.get(schema_.resource("argoproj.io", "applications"), "argocd", "web");
    return application_->at("status", "operationState");
  }
  api::ObjectPtr thing(std::string_view ns) {
    const api::Resource* resource = schema_.by_kind("example.com/v1", "Thing");
    return resource == nullptr ? nullptr : api_.get(*resource, ns, "one");
  }
  static std::string definition(std::string_view scope) {
    std::string out(kDefinition);
    return out.replace(out.find("SCOPE"), 5, scope);
  }

  api::Schema schema_;
  seam::VirtualTime time_{Time()};
  std::unique_ptr<api::Journal> journal_ = api::memory_journal();
  api::Store store_{schema_, *journal_};
  api::Api api_{schema_, store_, time_, 1};
  Manager manager_{api_};
  seam::SimulatedSource source_{time_};
  api::ObjectPtr application_;
};

TEST_F(ApplicationDefinitionTest, InOneWave) {
  push("{apiVersion: example.com/v1, kind: Thing, metadata: {name: one}, spec: {size: 3}}\n---" +
       definition("Namespaced"));
  run_for(std::chrono::seconds(2));
  EXPECT_EQ(operation().at("phase").str(), "Succeeded") << operation().at("message").str();
  EXPECT_EQ(operation().at("retryCount").int_or(0), 0);
  ASSERT_NE(thing("shop"), nullptr);
  EXPECT_EQ(thing("shop")->at("spec", "size").int_or(0), 3);
}

TEST_F(ApplicationDefinitionTest, OfALaterWaveThanItsObjects) {
  push(
      "{apiVersion: example.com/v1, kind: Thing, metadata: {name: one, annotations: {argocd.argoproj.io/sync-wave: "
      "\"-1\"}}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: late}}\n---" +
      definition("Cluster"));
  run_for(std::chrono::seconds(5));
  EXPECT_EQ(operation().at("phase").str(), "Succeeded") << operation().at("message").str();
  EXPECT_NE(thing(""), nullptr);
}

TEST_F(ApplicationDefinitionTest, OfAKindThatIsRefusedFails) {
  std::string broken = definition("Namespaced");
  broken.replace(broken.find("name: things.example.com"), 24, "name: others.example.com");
  push(broken + "---\n{apiVersion: example.com/v1, kind: Thing, metadata: {name: one}}");
  run_for(std::chrono::seconds(2));
  EXPECT_EQ(operation().at("phase").str(), "Running");
  EXPECT_TRUE(operation().at("message").str().contains("failed to apply, reason: ")) << operation().at("message").str();
  EXPECT_EQ(thing("shop"), nullptr);
}

TEST_F(ApplicationDefinitionTest, OfAVersionThatIsNotDefinedFails) {
  push(definition("Namespaced") + "---\n{apiVersion: example.com/v2, kind: Thing, metadata: {name: one}}");
  run_for(std::chrono::seconds(2));
  EXPECT_EQ(operation().at("phase").str(), "Running");
  EXPECT_TRUE(operation().at("message").str().contains("no matches for kind Thing in example.com/v2"))
      << operation().at("message").str();
}

}  // namespace
}  // namespace fairlead::control
