#include "engine/edge/nginx_traffic.h"

#include <map>

#include <gtest/gtest.h>

#include "engine/edge/admin_client.h"
#include "engine/edge/routing_table.h"
#include "engine/edge/testing_edge.h"

namespace fairlead::edge {
namespace {

using testing::Answer;
using testing::Backend;
using testing::Client;
using testing::EdgeProcess;
using testing::QueueExecutor;

/// One nginx for all tests of this file: each brings a program of its own.
class NginxTrafficTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (EdgeProcess::missing().empty()) edge = std::make_unique<EdgeProcess>();
  }
  static void TearDownTestSuite() { edge.reset(); }

  void SetUp() override {
    if (!edge) GTEST_SKIP() << EdgeProcess::missing();
    traffic_ = std::make_unique<NginxTraffic>(executor_, NginxTrafficOptions{.admin_port = edge->settings().admin_port});
  }

  [[nodiscard]] seam::EdgeProgram program() const {
    seam::EdgeProgram out{"gateway", "edge", {{"127.0.0.1", "1"}}, {{"http", port, ""}}, {}};
    out.routes.push_back({"shop", "shop", {"shop.example"}, {"http"}, {{{seam::RouteMatch{}}, {}, {}, {}}}});
    return out;
  }

  [[nodiscard]] static seam::RouteBackend backend(const std::string& name, const std::vector<seam::Endpoint>& endpoints,
                                                  std::int32_t weight) {
    return {"shop", name, 80, weight, endpoints};
  }

  /// Stable and canary with these weights.
  [[nodiscard]] seam::EdgeProgram canary(int stable_weight, int canary_weight) const {
    seam::EdgeProgram out = program();
    out.routes[0].rules[0].backends = {backend("web", {stable_.endpoint()}, stable_weight),
                                       backend("web-canary", {canary_.endpoint()}, canary_weight)};
    return out;
  }

  void apply(seam::EdgeProgram wanted) {
    Result<> result = fail("never answered");
    bool answered = false;
    traffic_->apply(std::move(wanted), [&](Result<> r) {
      result = std::move(r);
      answered = true;
    });
    ASSERT_TRUE(executor_.run_until([&] { return answered; }));
    ASSERT_TRUE(result) << result.error().to_string() << edge->log();
  }

  [[nodiscard]] static std::map<std::string, int> ask(Client& client, int times) {
    std::map<std::string, int> out;
    for (int i = 0; i < times; ++i) {
      const Answer answer = client.get("/");
      ++out[answer.code == 200 ? answer.body : fmt::format("{}", answer.code)];
    }
    return out;
  }

  static std::unique_ptr<EdgeProcess> edge;
  static const std::uint16_t port;
  QueueExecutor executor_;
  Backend stable_{"stable"};
  Backend canary_{"canary"};
  std::unique_ptr<NginxTraffic> traffic_;
};

std::unique_ptr<EdgeProcess> NginxTrafficTest::edge;
const std::uint16_t NginxTrafficTest::port = testing::free_port();

TEST_F(NginxTrafficTest, WeightsAreExact) {
  for (const int weight : {20, 55, 1, 0, 100}) {
    apply(canary(100 - weight, weight));
    std::map<std::string, int> total;
    // Several connections, so that several workers share the count.
    std::vector<Client> clients;
    for (int i = 0; i < 8; ++i) clients.emplace_back(port);
    for (Client& client : clients) {
      for (const auto& [name, count] : ask(client, 125)) total[name] += count;
    }
    std::map<std::string, int> expected{{"stable", 1000 - 10 * weight}, {"canary", 10 * weight}};
    std::erase_if(expected, [](const auto& entry) { return entry.second == 0; });
    EXPECT_EQ(total, expected) << "weight " << weight;
  }
}

}  // namespace
}  // namespace fairlead::edge
