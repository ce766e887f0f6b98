#include <gtest/gtest.h>

#include "base/yaml.h"
#include "engine/api/schema.h"

namespace fairlead::api {
namespace {

Value yaml(std::string_view text) { return parse_yaml(text, "test").value().at(0); }

Value ports_after(std::string_view live, std::string_view patch) {
  static const Schema schema;
  const Resource& services = schema.resource("", "services");
  return schema.strategic_merge(services, yaml(live), yaml(patch)).value().at("spec", "ports");
}

TEST(StrategicMerge, OnePortOfTwoProtocolsIsTwoElements) {
  const Value both = yaml("[{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]");
  EXPECT_EQ(
      ports_after("spec: {ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}",
                  "spec: {ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]}"),
      both);
  EXPECT_EQ(
      ports_after("spec: {ports: [{name: dns, port: 53, protocol: UDP}]}",
                  "spec: {ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]}"),
      both);
}

TEST(StrategicMerge, WhereOneElementIsMeantItsProtocolMayChange) {
  EXPECT_EQ(ports_after("spec: {ports: [{name: dns, port: 53, protocol: TCP}]}",
                        "spec: {ports: [{port: 53, protocol: UDP}]}"),
            yaml("[{name: dns, port: 53, protocol: UDP}]"));
}

TEST(StrategicMerge, LongListsAreOrderedAsShortOnesAre) {
  static const Schema schema;
  const auto finalizer = [](int i) { return Value("example.com/f" + std::to_string(i)); };
  const auto port = [](int i, const char* name) { return Value::object({{"containerPort", i}, {"name", name}}); };
  constexpr int kMany = 15'000;
  Value live = Value::array();
  Value patched = Value::array();
  Value live_ports = Value::array();
  Value patched_ports = Value::array();
  for (int i = 0; i < kMany; ++i) {
    live.push_back(finalizer(i));
    patched.push_back(finalizer(2 * kMany - 1 - i));  // The other half, backwards.
    live_ports.push_back(port(i, "live"));
    patched_ports.push_back(i % 2 == 0 ? port(i, "patched")
                                       : Value::object({{"containerPort", i}, {"$patch", "delete"}}));
  }
  const Value merged = schema
                           .strategic_merge(schema.resource("", "pods"),
                                            Value::object({{"metadata", Value::object({{"finalizers", live}})}}),
                                            Value::object({{"metadata", Value::object({{"finalizers", patched}})}}))
                           .value();
  const auto& finalizers = merged.at("metadata", "finalizers").items();
  ASSERT_EQ(finalizers.size(), std::size_t{2} * kMany);
  EXPECT_EQ(finalizers.front(), patched.items().front());
  EXPECT_EQ(finalizers.at(kMany - 1), finalizer(kMany));
  EXPECT_EQ(finalizers.at(kMany), finalizer(0));

  const auto pod = [](const Value& ports) {
    return Value::object(
        {{"spec", Value::object({{"containers", Value::array({Value::object({{"name", "a"}, {"ports", ports}})})}})}});
  };
  const Value changed =
      schema.strategic_merge(schema.resource("", "pods"), pod(live_ports), pod(patched_ports)).value();
  const auto& ports = changed.at("spec", "containers", 0, "ports").items();
  ASSERT_EQ(ports.size(), std::size_t{kMany} / 2);
  for (int i = 0; i < kMany / 2; ++i) ASSERT_EQ(ports.at(static_cast<std::size_t>(i)), port(2 * i, "patched"));
}

TEST(StrategicMerge, ManyMembersAndDirectivesAreLookedUpOnce) {
  static const Schema schema;
  constexpr int kMany = 40'000;
  Value data = Value::object();
  for (int i = 0; i < kMany; ++i) {
    data.mutable_members().push_back({"k" + std::to_string(i), Value::array()});
    data.mutable_members().push_back({"$setElementOrder/k" + std::to_string(i), Value::array()});
  }
  const auto merged =
      schema.strategic_merge(schema.resource("", "configmaps"),
                             Value::object({{"data", Value::object({{"old", "v"}})}}), Value::object({{"data", data}}));
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_EQ(merged->at("data").size(), std::size_t{kMany} + 1);
  EXPECT_EQ(merged->at("data").members().back().key, "k39999");
}

}  // namespace
}  // namespace fairlead::api
