#include <gtest/gtest.h>

#include "base/yaml.h"
#include "engine/edge/nginx_traffic.h"
#include "engine/edge/testing_edge.h"

namespace fairlead::edge {
namespace {

using testing::Backend;
using testing::Client;

constexpr const char* kInjection = "1%27%20OR%201=1--";

/// An nginx whose firewall is as an environment says, with one backend behind it.
class WafTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = testing::EdgeProcess::missing(); !missing.empty()) GTEST_SKIP() << missing;
  }

  void start(const std::string& waf) {
    const Value environment = parse_yaml("edge: {waf: " + waf + "}", "test").value().front();
    edge_ = std::make_unique<testing::EdgeProcess>(
        EdgeSettings{.node_address = "127.0.0.1", .waf = waf_settings(environment)});
    traffic_ =
        std::make_unique<NginxTraffic>(executor_, NginxTrafficOptions{.admin_port = edge_->settings().admin_port});
    seam::EdgeProgram program{"gateway", "edge", {{"127.0.0.1", "1"}}, {{"http", port_, ""}}, {}};
    program.routes.push_back({"shop", "shop", {}, {"http"}, {{{seam::RouteMatch{}}, {}, {}, {}}}});
    program.routes[0].rules[0].backends = {{"shop", "web", 80, 1, {backend_.endpoint()}}};
    bool answered = false;
    traffic_->apply(program, [&](const Result<>& result) {
      answered = true;
      EXPECT_TRUE(result);
    });
    ASSERT_TRUE(executor_.run_until([&] { return answered; }));
  }

  int get(const std::string& target, const std::string& head = {}) {
    return Client(port_).get(target, "shop.example", head).code;
  }

  const std::uint16_t port_ = testing::free_port();
  testing::QueueExecutor executor_;
  Backend backend_{"web"};
  std::unique_ptr<testing::EdgeProcess> edge_;
  std::unique_ptr<NginxTraffic> traffic_;
};

TEST_F(WafTest, ExclusionsOpenWhatTheyNameAndNothingElse) {
  start(R"({exclusions: [
    {rule: "942100", in: argument, name: query},
    {rule: "942100", in: cookie, name: theme},
    {rule: "942100", in: header, name: Referer}]})");
  EXPECT_EQ(get(std::string("/?query=") + kInjection), 200);
  EXPECT_EQ(get(std::string("/?other=") + kInjection), 403);
  EXPECT_EQ(get("/?query=%3Cscript%3Ealert(1)%3C/script%3E"), 403) << "another rule still looks";
  EXPECT_EQ(get("/", "Cookie: theme=1' OR 1=1--\r\n"), 200);
  EXPECT_EQ(get("/", "Cookie: other=1' OR 1=1--\r\n"), 403);
}

TEST_F(WafTest, DetectionLogsAndLetsThrough) {
  start("{mode: detection}");
  EXPECT_EQ(get(std::string("/?q=") + kInjection), 200);
  EXPECT_NE(edge_->log().find("[id \"942100\"]"), std::string::npos);
}

TEST_F(WafTest, PreventionIsTheDefault) {
  EXPECT_TRUE(waf_settings(Value::object()).prevention);
  start("{}");
  EXPECT_EQ(get(std::string("/?q=") + kInjection), 403);
}

TEST_F(WafTest, APathThatLeadsAboveTheRootIsATraversal) {
  start("{}");
  for (const char* path : {"/../../etc/passwd", "/a/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/shop/../../etc/passwd"}) {
    EXPECT_EQ(get(path), 403) << path;
    EXPECT_NE(edge_->log().find(path), std::string::npos);
  }
  EXPECT_NE(edge_->log().find("[id \"930100\"]"), std::string::npos);
  EXPECT_NE(edge_->log().find("[id \"930110\"]"), std::string::npos);
  EXPECT_EQ(get("/%zz"), 400) << "what nginx cannot read for another reason";
  EXPECT_EQ(get("/.fairlead/refused"), 404) << "and nobody asks for that place by its name";
}

}  // namespace
}  // namespace fairlead::edge
