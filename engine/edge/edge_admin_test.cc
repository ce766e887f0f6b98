// Who may tell the edge what to do.
#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/edge/admin_client.h"
#include "engine/edge/routing_table.h"
#include "engine/edge/testing_edge.h"

namespace fairlead::edge {
namespace {

using testing::Answer;
using testing::Client;

constexpr const char* kNode = "127.0.0.9";
constexpr const char* kJson = "Content-Type: application/json\r\n";

/// An edge whose node is not the address that nginx itself asks from, as it is in a pod.
class EdgeAdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = testing::EdgeProcess::missing(); !missing.empty()) GTEST_SKIP() << missing;
    edge_ = std::make_unique<testing::EdgeProcess>(EdgeSettings{.node_address = kNode});
  }

  /// A route that leads to the edge's own admin port, put in force by the node.
  void lead_to_admin_port() {
    seam::EdgeProgram program{"gateway", "edge", {}, {{"http", port_, ""}}, {}};
    program.routes.push_back({"shop", "shop", {}, {"http"}, {{{seam::RouteMatch{}}, {}, {}, {}}}});
    program.routes[0].rules[0].backends = {{"shop", "web", 80, 1, {{"127.0.0.1", edge_->settings().admin_port}}}};
    Client node(edge_->settings().admin_port, kNode);
    ASSERT_EQ(node.send("PUT", "/program", "edge", kJson, to_json(routing_table(program))).code, 200);
    ASSERT_EQ(node.send("PUT", "/listeners", "edge", kJson, to_json(listener_table(program))).code, 202);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (Client(port_).get("/nothing").code == 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }

  const std::uint16_t port_ = testing::free_port();
  std::unique_ptr<testing::EdgeProcess> edge_;
};

TEST_F(EdgeAdminTest, OnlyTheNodeIsLetIn) {
  Client node(edge_->settings().admin_port, kNode);
  EXPECT_EQ(node.get("/state").code, 200);
  EXPECT_EQ(node.get("/ready").code, 503);
  Client other(edge_->settings().admin_port);
  for (const char* path : {"/state", "/ready", "/program", "/target", "/listeners"}) {
    EXPECT_EQ(other.get(path).code, 403) << path;
    EXPECT_EQ(other.send("PUT", path, "edge", kJson, "{}").code, 403) << path;
  }
}

TEST_F(EdgeAdminTest, ARouteToTheEdgeItselfChangesNothing) {
  lead_to_admin_port();
  Client client(port_);
  EXPECT_EQ(client.get("/state").code, 403);
  EXPECT_EQ(client.send("PUT", "/program", "shop.example", kJson, R"({"version":"x","entries":[],"rules":[]})").code,
            403);
  EXPECT_EQ(client.get("/state").code, 403) << "the routes are the same as before";
}

TEST(EdgeFiles, APodsEdgeObeysTheNodeOfTheCluster) {
  for (const auto& [name, content] : edge_files()) {
    if (name != "nginx.conf") continue;
    EXPECT_NE(content.find("allow 10.244.0.1;\n    deny all;"), std::string::npos) << content;
  }
}

}  // namespace
}  // namespace fairlead::edge
