#include "engine/control/network_policy.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace fairlead::control {
namespace {

class NetworkPolicyTest : public testing::Test {
 protected:
  static std::vector<api::ObjectPtr> read(const api::Resource& resource, const std::string& yaml) {
    std::vector<api::ObjectPtr> out;
    const auto documents = parse_yaml(yaml, "test");
    EXPECT_TRUE(documents.has_value());
    for (const Value& tree : *documents) out.push_back(std::make_shared<api::Object>(resource, tree, 1));
    return out;
  }

  /// Three pods: web and db in shop, probe in monitoring; their addresses end in 1, 2 and 3.
  std::vector<seam::PodPolicy> compile(const std::string& policies) {
    return compile_policies(read(policy_, policies), read(pod_, R"(
metadata: {namespace: shop, name: web, labels: {app: web}}
spec: {containers: [{ports: [{name: http, containerPort: 8080}]}]}
status: {podIP: 10.244.0.1, phase: Running}
---
metadata: {namespace: shop, name: db, labels: {app: db}}
spec: {containers: [{ports: [{name: http, containerPort: 5432}]}]}
status: {podIP: 10.244.0.2, phase: Running}
---
metadata: {namespace: monitoring, name: probe, labels: {app: web}}
status: {podIP: 10.244.0.3, phase: Running}
---
metadata: {namespace: shop, name: done, labels: {app: web}}
status: {podIP: 10.244.0.4, phase: Succeeded}
)"),
                            read(namespace_, R"(
metadata: {name: shop, labels: {team: shop}}
---
metadata: {name: monitoring, labels: {team: platform}}
)"));
  }

  static api::Resource of_kind(const char* kind) {
    api::Resource out;
    out.kind = kind;
    return out;
  }

  api::Resource policy_ = of_kind("NetworkPolicy");
  api::Resource pod_ = of_kind("Pod");
  api::Resource namespace_ = of_kind("Namespace");
};

const seam::Allowance kEverything{{}, {}, false};

TEST_F(NetworkPolicyTest, SelectedPodsAreIsolatedAndOthersOpen) {
  const auto out = compile("metadata: {namespace: shop}\nspec: {podSelector: {matchLabels: {app: web}}}");
  ASSERT_EQ(out.size(), 1U) << "not db, not the pod of the other namespace, not the one that has ended";
  EXPECT_EQ(out[0].pod, "web");
  EXPECT_EQ(out[0].ip, "10.244.0.1");
  EXPECT_TRUE(out[0].ingress_isolated);
  EXPECT_FALSE(out[0].egress_isolated) << "no policyTypes and no egress rules: ingress only";
  EXPECT_TRUE(out[0].ingress.empty());
}

TEST_F(NetworkPolicyTest, EgressRulesWithoutTypesIsolateBothWays) {
  const auto out = compile("metadata: {namespace: shop}\nspec: {podSelector: {matchLabels: {app: web}}, egress: [{}]}");
  ASSERT_EQ(out.size(), 1U);
  EXPECT_TRUE(out[0].ingress_isolated);
  EXPECT_TRUE(out[0].egress_isolated);
  EXPECT_EQ(out[0].egress, std::vector{kEverything});
}

TEST_F(NetworkPolicyTest, AnEmptyOrMissingFromIsEverybody) {
  for (const char* rule : {"{}", "{from: []}"}) {
    const auto out =
        compile(std::string("metadata: {namespace: shop}\nspec: {podSelector: {matchLabels: {app: db}}, ingress: [") +
                rule + "]}");
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].ingress, std::vector{kEverything}) << rule;
  }
}

TEST_F(NetworkPolicyTest, PeersThatSelectNobodyAllowNobody) {
  const auto out = compile(R"(
metadata: {namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: none}}}]}]}
)");
  ASSERT_EQ(out[0].ingress.size(), 1U);
  EXPECT_TRUE(out[0].ingress[0].nobody);
}

TEST_F(NetworkPolicyTest, PodSelectorAloneMeansTheOwnNamespace) {
  const auto out = compile(R"(
metadata: {namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}
)");
  ASSERT_EQ(out[0].ingress.size(), 1U);
  EXPECT_EQ(out[0].ingress[0].peers, (std::vector<seam::PeerBlock>{{"10.244.0.1/32", {}}}));
}

TEST_F(NetworkPolicyTest, NamespaceAndPodSelectorTogetherAreAnd) {
  const auto out = compile(R"(
metadata: {namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from:
    - {namespaceSelector: {matchLabels: {team: platform}}, podSelector: {matchLabels: {app: web}}}
  - from:
    - {namespaceSelector: {}}
)");
  ASSERT_EQ(out[0].ingress.size(), 2U);
  EXPECT_EQ(out[0].ingress[0].peers,
            (std::vector<seam::PeerBlock>{{"10.244.0.1/32", {}}, {"10.244.0.2/32", {}}, {"10.244.0.3/32", {}}}));
  EXPECT_EQ(out[0].ingress[1].peers, (std::vector<seam::PeerBlock>{{"10.244.0.3/32", {}}}));
}

TEST_F(NetworkPolicyTest, BlocksPortsAndRanges) {
  const auto out = compile(R"(
metadata: {namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Egress]
  egress:
  - to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]
    ports: [{port: 8000, endPort: 8010}, {protocol: UDP, port: 53}, {protocol: SCTP}]
)");
  EXPECT_FALSE(out[0].ingress_isolated);
  ASSERT_EQ(out[0].egress.size(), 1U);
  EXPECT_EQ(out[0].egress[0].peers, (std::vector<seam::PeerBlock>{{"10.0.0.0/8", {"10.1.0.0/16"}}}));
  EXPECT_EQ(out[0].egress[0].ports,
            (std::vector<seam::PortRange>{{"SCTP", 0, 65535}, {"TCP", 8000, 8010}, {"UDP", 53, 53}}));
}

TEST_F(NetworkPolicyTest, APortThatIsNoneAllowsNothingAndARangeEndsAtTheLast) {
  const auto out = compile(R"(
metadata: {namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{ports: [{port: 5000, endPort: 70000}, {port: 70000}, {port: 90, endPort: 80}]}]
)");
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].ingress, (std::vector<seam::Allowance>{{{}, {{"TCP", 5000, 65535}}, false}}));
}

TEST_F(NetworkPolicyTest, NamedPortsAreThoseOfTheReceiver) {
  const auto in = compile(
      "metadata: {namespace: shop}\nspec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: http}]}]}");
  EXPECT_EQ(in[0].ingress, (std::vector<seam::Allowance>{{{}, {{"TCP", 5432, 5432}}, false}}));

  const auto out = compile(R"(
metadata: {namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}], ports: [{port: http}]}]}
)");
  EXPECT_EQ(out[0].egress, (std::vector<seam::Allowance>{{{{"10.244.0.1/32", {}}}, {{"TCP", 8080, 8080}}, false},
                                                         {{{"10.244.0.2/32", {}}}, {{"TCP", 5432, 5432}}, false}}));

  const auto nothing = compile(
      "metadata: {namespace: shop}\nspec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: none}]}]}");
  EXPECT_TRUE(nothing[0].ingress.empty()) << "a name that the pod does not know opens nothing";
}

TEST_F(NetworkPolicyTest, AnIPv6BlockNamesNobodyHere) {
  const auto out = compile(
      "metadata: {namespace: shop}\n"
      "spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: '::/0'}}]}]}");
  ASSERT_EQ(out.size(), 1U);
  ASSERT_EQ(out[0].ingress.size(), 1U);
  EXPECT_EQ(out[0].ingress[0], (seam::Allowance{{}, {}, true}));
}

}  // namespace
}  // namespace fairlead::control
