#include <set>

#include "engine/api/testing_admission.h"

namespace fairlead::api {
namespace {

class ServiceAdmission : public AdmissionTest {
 protected:
  /// A Service named `name` whose spec has `spec`.
  ApiResult<ObjectPtr> try_service(std::string_view name, std::string_view spec) {
    return try_make("services", fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{{{}}}}})", name, spec));
  }
  ObjectPtr service(std::string_view name, std::string_view spec) {
    auto out = try_service(name, spec);
    EXPECT_TRUE(out.has_value()) << out.error().message;
    return out ? *out : nullptr;
  }
  ApiResult<ObjectPtr> try_patch(std::string_view name, std::string_view patch,
                                 Subresource subresource = Subresource::kNone) {
    WriteOptions options;
    options.warnings = &warnings_;
    return api_.patch(key(name), PatchType::kMerge, *parse_json(patch), subresource, options);
  }
  static Key key(std::string_view name) { return {&schema().resource("", "services"), "shop", std::string(name)}; }
  static std::int64_t node_port(const ObjectPtr& service, int index = 0) {
    return service->at("spec", "ports", index, "nodePort").int_or(0);
  }
};

TEST_F(ServiceAdmission, ServicesGetAddressesThatNobodyElseHas) {
  std::set<std::string> seen;
  for (int i = 0; i < 30; ++i) {
    const ObjectPtr service =
        make("services",
             fmt::format(R"({{"metadata":{{"name":"s{}"}},"spec":{{"type":"NodePort","ports":[{{"port":80}}]}}}})", i));
    const std::string ip(service->at("spec", "clusterIP").str());
    EXPECT_TRUE(ip.starts_with("10.96.")) << ip;
    EXPECT_EQ(service->at("spec", "clusterIPs", 0).str(), ip);
    EXPECT_TRUE(seen.insert(ip).second) << ip;
    EXPECT_TRUE(seen.insert(std::to_string(service->at("spec", "ports", 0, "nodePort").int_or(0))).second);
  }
  const Key first{&schema().resource("", "services"), "shop", "s0"};
  const std::string ip(store_.get(first)->at("spec", "clusterIP").str());
  const auto kept = api_.mutate(first, Subresource::kNone, [](Value& tree) {
    tree["spec"].erase("clusterIP");
    tree["spec"].erase("clusterIPs");
  });
  ASSERT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_EQ((*kept)->at("spec", "clusterIP").str(), ip);
  const std::string taken = R"({"metadata":{"name":"t"},"spec":{"clusterIP":")" + ip + R"(","ports":[{"port":80}]}})";
  EXPECT_EQ(try_make("services", taken).error().code, 422);
  EXPECT_EQ(try_make("services", R"({"metadata":{"name":"t"},"spec":{"clusterIP":"1.2.3.4","ports":[{"port":80}]}})")
                .error()
                .code,
            422);
  EXPECT_EQ(make("services", R"({"metadata":{"name":"h"},"spec":{"clusterIP":"None","ports":[{"port":80}]}})")
                ->at("spec", "clusterIPs", 0)
                .str(),
            "None");
}

TEST_F(ServiceAdmission, OnePortOfTheNodesServesAllProtocols) {
  const ObjectPtr dns = service("dns", R"("type":"NodePort","ports":[{"name":"u","port":53,"protocol":"UDP"},
      {"name":"t","port":53},{"name":"m","port":9153}])");
  EXPECT_NE(node_port(dns), 0);
  EXPECT_EQ(node_port(dns, 0), node_port(dns, 1));
  EXPECT_NE(node_port(dns, 0), node_port(dns, 2));
  const ObjectPtr asked = service("asked", R"("type":"NodePort","ports":[{"name":"u","port":53,"protocol":"UDP",
      "nodePort":30053},{"name":"t","port":53,"nodePort":30053}])");
  EXPECT_EQ(node_port(asked, 1), 30053);
  EXPECT_EQ(
      try_service("other", R"("type":"NodePort","ports":[{"port":80,"nodePort":30053}])").error().message,
      R"(Service "other" is invalid: spec.ports[0].nodePort: Invalid value: 30053: provided port is already allocated)");
  EXPECT_EQ(try_service("low", R"("type":"NodePort","ports":[{"port":80,"nodePort":1}])").error().message,
            "Service \"low\" is invalid: spec.ports[0].nodePort: Invalid value: 1: provided port is not in the valid "
            "range. The range of valid ports is 30000-32767");
}

TEST_F(ServiceAdmission, ABalancerWithoutNodePortsHasThoseThatAreAskedFor) {
  const ObjectPtr none =
      service("none", R"("type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"ports":[{"port":80}])");
  EXPECT_FALSE(none->at("spec", "ports", 0).has("nodePort"));
  const ObjectPtr one = service("one", R"("type":"LoadBalancer","allocateLoadBalancerNodePorts":false,
      "ports":[{"name":"a","port":80,"nodePort":30080},{"name":"b","port":81}])");
  EXPECT_EQ(node_port(one), 30080);
  EXPECT_FALSE(one->at("spec", "ports", 1).has("nodePort"));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(ServiceAdmission, ALocalBalancerHasAPortForHealthThatNothingAnswersOn) {
  const ObjectPtr made =
      service("s", R"("type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"port":80,"nodePort":30080}])");
  const std::int64_t health = made->at("spec", "healthCheckNodePort").int_or(0);
  EXPECT_GE(health, kFirstNodePort);
  EXPECT_EQ(warnings_,
            std::vector<std::string>({"spec.healthCheckNodePort is not acted on here: nothing answers on that port"}));
  EXPECT_EQ(
      try_service("t", fmt::format(R"("type":"NodePort","ports":[{{"port":80,"nodePort":{}}}])", health)).error().code,
      422)
      << "it is held as any port of the nodes";
  const auto kept = try_patch("s", R"({"spec":{"healthCheckNodePort":null,"selector":{"a":"b"}}})");
  ASSERT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_EQ((*kept)->at("spec", "healthCheckNodePort").int_or(0), health);
  EXPECT_EQ(warnings_.size(), 1U);
}

TEST_F(ServiceAdmission, AChangeOfTypeLetsGoOfWhatTheOtherTypeHad) {
  service("s", R"("type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"port":80}])");
  ASSERT_TRUE(try_patch("s", R"({"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}})", Subresource::kStatus));
  const auto node = try_patch("s", R"({"spec":{"type":"NodePort"}})");
  ASSERT_TRUE(node.has_value()) << node.error().message;
  EXPECT_EQ((*node)->at("spec", "externalTrafficPolicy").str(), "Local");
  EXPECT_NE(node_port(*node), 0);
  EXPECT_EQ((*node)->at("status", "loadBalancer"), Value::object());
  for (const char* field : {"allocateLoadBalancerNodePorts", "healthCheckNodePort"})
    EXPECT_FALSE((*node)->at("spec").has(field)) << field;
  const auto plain = try_patch("s", R"({"spec":{"type":"ClusterIP"}})");
  ASSERT_TRUE(plain.has_value()) << plain.error().message;
  EXPECT_FALSE((*plain)->at("spec", "ports", 0).has("nodePort"));
  EXPECT_FALSE((*plain)->at("spec").has("externalTrafficPolicy"));
  EXPECT_EQ((*plain)->at("spec", "clusterIP"), (*node)->at("spec", "clusterIP"));
  const auto name = try_patch("s", R"({"spec":{"type":"ExternalName","externalName":"a.b"}})");
  ASSERT_TRUE(name.has_value()) << name.error().message;
  for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"})
    EXPECT_FALSE((*name)->at("spec").has(field)) << field;
  const auto back = try_patch("s", R"({"spec":{"type":"ClusterIP"}})");
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ((*back)->at("spec", "clusterIP"), (*plain)->at("spec", "clusterIP"));
  EXPECT_EQ((*back)->at("spec", "ipFamilies"), Value::array({"IPv4"}));
}

TEST_F(ServiceAdmission, AHeadlessServiceWithoutASelectorMayHaveBothFamilies) {
  const ObjectPtr made = service("h", R"("clusterIP":"None","ports":[{"port":80}])");
  EXPECT_EQ(made->at("spec", "ipFamilyPolicy").str(), "RequireDualStack");
  EXPECT_EQ(made->at("spec", "ipFamilies"), Value::array({"IPv4", "IPv6"}));
  const ObjectPtr one = service("i", R"("clusterIP":"None","selector":{"a":"b"},"ports":[{"port":80}])");
  EXPECT_EQ(one->at("spec", "ipFamilyPolicy").str(), "SingleStack");
  EXPECT_EQ(one->at("spec", "ipFamilies"), Value::array({"IPv4"}));
}

}  // namespace
}  // namespace fairlead::api
