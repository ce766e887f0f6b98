#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/api/api.h"
#include "engine/api/journal.h"

namespace fairlead::api {
namespace {

/// Why the API refuses `text`; empty when it takes it.
std::string refusal(std::string_view group, std::string_view plural, std::string_view text) {
  static Schema schema;
  const std::unique_ptr<Journal> journal = memory_journal();
  Store store{schema, *journal};
  seam::ManualClock clock{*parse_time("2026-11-23T10:00:00Z")};
  Api api{schema, store, clock, 7};
  const auto made = api.create(schema.resource(group, plural), "default", *parse_json(text));
  return made ? "" : made.error().message;
}

std::string slice_refusal(std::string_view type, std::string_view address) {
  return refusal("discovery.k8s.io", "endpointslices",
                 fmt::format(R"({{"metadata":{{"name":"e"}},"addressType":"{}","endpoints":[{{"addresses":["{}"]}}],
                                 "ports":[{{"name":"http","port":80}}]}})",
                             type, address));
}

TEST(NetworkValidation, EndpointsHaveAddressesOfTheirFamilyThatCanBeReached) {
  struct Case {
    const char* type;
    const char* address;
    const char* why;
  };
  for (const Case& test : {
           Case{"IPv4", "10.244.0.7", ""},
           Case{"IPv6", "2001:db8::7", ""},
           Case{"FQDN", "db.example.com", ""},
           Case{"IPv4", "2001:db8::7",
                "endpoints[0].addresses: Invalid value: \"2001:db8::7\": must be an IPv4 address"},
           Case{"IPv6", "10.244.0.7", "endpoints[0].addresses: Invalid value: \"10.244.0.7\": must be an IPv6 address"},
           Case{"IPv4", "0.0.0.0", "may not be unspecified (0.0.0.0)"},
           Case{"IPv6", "::", "may not be unspecified (::)"},
           Case{"IPv4", "127.0.0.1", "addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range"},
           Case{"IPv6", "::1", "may not be in the loopback range"},
           Case{"IPv4", "169.254.1.1", "may not be in the link-local range"},
           Case{"IPv6", "fe80::1", "may not be in the link-local range"},
           Case{"IPv4", "224.0.0.1", "may not be in the link-local multicast range"},
           Case{"IPv6", "ff02::1", "may not be in the link-local multicast range"},
       }) {
    const std::string got = slice_refusal(test.type, test.address);
    if (std::string_view(test.why).empty()) {
      EXPECT_EQ(got, "") << test.address;
    } else {
      EXPECT_TRUE(got.contains(test.why)) << test.type << " " << test.address << ": " << got;
    }
  }
}

TEST(NetworkValidation, ARangeOfPortsEndsAtAPort) {
  const auto policy = [](std::string_view ports) {
    return refusal("networking.k8s.io", "networkpolicies",
                   fmt::format(R"({{"metadata":{{"name":"p"}},"spec":{{"podSelector":{{}},
                                   "ingress":[{{"ports":[{}]}}]}}}})",
                               ports));
  };
  EXPECT_EQ(policy(R"({"port":5000,"endPort":6000})"), "");
  EXPECT_TRUE(policy(R"({"port":5000,"endPort":70000})")
                  .contains("ports[0].endPort: Invalid value: 70000: must be between 1 and 65535, inclusive"))
      << policy(R"({"port":5000,"endPort":70000})");
  EXPECT_TRUE(policy(R"({"port":5000,"endPort":4000})").contains("must be greater than or equal to `port`"));
}

}  // namespace
}  // namespace fairlead::api
