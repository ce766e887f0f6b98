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

}  // namespace
}  // namespace fairlead::api
