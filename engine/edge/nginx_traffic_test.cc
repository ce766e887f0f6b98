#include "engine/edge/nginx_traffic.h"

#include <array>
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
    traffic_ = std::make_unique<NginxTraffic>(executor_, NginxTrafficOptions{.admin_port = edge->settings().admin_port,
                                                                             .drain = std::chrono::milliseconds(800)});
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

  /// How often nginx has read its configuration anew.
  [[nodiscard]] static std::size_t reloads() {
    const std::string log = edge->log();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log.find("signal 1 (SIGHUP) received", at)) != std::string::npos; ++at) ++count;
    return count;
  }

  [[nodiscard]] static std::string metrics() {
    const auto answer =
        ask_admin("127.0.0.1", edge->settings().metrics_port, "GET", "/metrics", {}, std::chrono::seconds(2));
    return answer ? answer->body : answer.error().to_string();
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

TEST_F(NginxTrafficTest, WeightsAreExactAndNeedNoReload) {
  apply(canary(100, 0));
  const std::size_t reloads_before = reloads();
  // Several connections at once, so that several workers share the count.
  for (const auto& [weight, requests] : std::map<int, int>{{20, 1000}, {55, 1000}, {1, 1000}, {0, 40}, {100, 40}}) {
    apply(canary(100 - weight, weight));
    std::array<std::map<std::string, int>, 8> seen;
    std::vector<std::jthread> clients;
    for (auto& slot : seen) {
      clients.emplace_back([&slot, share = requests / 8] {
        Client client(port);
        slot = ask(client, share);
      });
    }
    clients.clear();
    std::map<std::string, int> total;
    for (const auto& slot : seen) {
      for (const auto& [name, count] : slot) total[name] += count;
    }
    const int share = requests * weight / 100;
    std::map<std::string, int> expected{{"stable", requests - share}, {"canary", share}};
    std::erase_if(expected, [](const auto& entry) { return entry.second == 0; });
    EXPECT_EQ(total, expected) << "weight " << weight;
  }
  EXPECT_EQ(reloads(), reloads_before);
}

TEST_F(NginxTrafficTest, ThreeBackendsGetTheirSharesToo) {
  Backend third("third");
  seam::EdgeProgram wanted = canary(3, 2);
  wanted.routes[0].rules[0].backends.push_back(backend("other", {third.endpoint()}, 5));
  apply(wanted);
  Client client(port);
  EXPECT_EQ(ask(client, 100), (std::map<std::string, int>{{"stable", 30}, {"canary", 20}, {"third", 50}}));
}

TEST_F(NginxTrafficTest, ChangesUnderLoadLoseNoRequest) {
  apply(canary(100, 0));
  std::atomic<bool> stop = false;
  std::atomic<int> lost = 0;
  std::atomic<int> sent = 0;
  std::vector<std::jthread> load;
  for (int i = 0; i < 4; ++i) {
    load.emplace_back([&] {
      Client client(port);
      while (!stop) {
        const Answer answer = client.get("/");
        ++sent;
        if (answer.code != 200) ++lost;
      }
    });
  }
  // Endpoints come and go, weights move; the endpoint that is left out still answers what it was sent.
  Backend second("stable");
  for (int round = 0; round < 20; ++round) {
    seam::EdgeProgram wanted = canary(100 - 5 * round, 5 * round);
    auto& endpoints = wanted.routes[0].rules[0].backends[0].endpoints;
    if (round % 3 == 1) endpoints = {second.endpoint()};
    if (round % 3 == 2) endpoints = {stable_.endpoint(), second.endpoint()};
    apply(wanted);
    const int before = sent;
    while (sent < before + 20) std::this_thread::yield();
  }
  stop = true;
  load.clear();
  EXPECT_EQ(lost, 0) << "of " << sent << edge->log();
  EXPECT_GT(second.hits(), 0);
}

TEST_F(NginxTrafficTest, AnEndpointThatRefusesIsPassedOver) {
  seam::EdgeProgram wanted = program();
  wanted.routes[0].rules[0].backends = {backend("web", {{"127.0.0.1", testing::free_port()}, stable_.endpoint()}, 1)};
  apply(wanted);
  Client client(port);
  EXPECT_EQ(ask(client, 10), (std::map<std::string, int>{{"stable", 10}}));
}

TEST_F(NginxTrafficTest, ACanaryThatCrashesFailsItsWholeShareAndNobodyElses) {
  // Two crashing endpoints: a second try would hide the first, on a request that may be repeated or not.
  Backend first("", true);
  Backend second("", true);
  seam::EdgeProgram wanted = canary(80, 20);
  wanted.routes[0].rules[0].backends[1] = backend("web-crash", {first.endpoint(), second.endpoint()}, 20);
  apply(wanted);
  Client client(port);
  EXPECT_EQ(ask(client, 100), (std::map<std::string, int>{{"stable", 80}, {"502", 20}}));
  EXPECT_EQ(first.hits() + second.hits(), 20) << "each request was sent once";
  EXPECT_NE(metrics().find(R"(edge_requests_total{route="shop/shop",backend="shop/web-crash:80",code="502"} 20)"),
            std::string::npos)
      << metrics();
}

TEST_F(NginxTrafficTest, ACanaryThatRefusesFailsItsWholeShareAndNobodyElses) {
  seam::EdgeProgram wanted = canary(80, 20);
  wanted.routes[0].rules[0].backends[1].endpoints = {{"127.0.0.1", testing::free_port()},
                                                     {"127.0.0.1", testing::free_port()}};
  apply(wanted);
  Client client(port);
  EXPECT_EQ(ask(client, 100), (std::map<std::string, int>{{"stable", 80}, {"502", 20}}));
}

TEST_F(NginxTrafficTest, AReferenceThatLeadsNowhereFailsItsShareAsGatewayApiSays) {
  seam::EdgeProgram wanted = canary(3, 1);
  wanted.routes[0].rules[0].backends[1].endpoints.clear();
  apply(wanted);
  Client client(port);
  EXPECT_EQ(ask(client, 40), (std::map<std::string, int>{{"stable", 30}, {"503", 10}})) << "no endpoint is ready";
  wanted.routes[0].rules[0].backends[1].missing = true;
  apply(wanted);
  EXPECT_EQ(ask(client, 40), (std::map<std::string, int>{{"stable", 30}, {"500", 10}})) << "no such Service";
}

TEST_F(NginxTrafficTest, GatewaysDoNotReplaceEachOther) {
  apply(canary(1, 0));
  seam::EdgeProgram other = canary(0, 1);
  other.gateway = "other";
  other.pods.clear();
  Result<> result;
  bool answered = false;
  traffic_->apply(other, [&](Result<> r) {
    result = std::move(r);
    answered = true;
  });
  ASSERT_TRUE(executor_.run_until([&] { return answered; }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "no running pod of namespace gateway has the label gateway.networking.k8s.io/gateway-name: other");
  // The first one is still looked after: a restarted edge is told again.
  edge->restart();
  Answer answer;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (answer.code != 200 && std::chrono::steady_clock::now() < deadline) answer = Client(port).get("/");
  EXPECT_EQ(answer.body, "stable");
}

TEST_F(NginxTrafficTest, AGatewayThatIsGoneIsNotLookedAfter) {
  apply(canary(1, 0));
  seam::EdgeProgram other = canary(1, 0);
  other.gateway = "other";
  apply(other);
  EXPECT_EQ(traffic_->gateways(), 2U);
  const auto only_one = [&] { return traffic_->gateways() == 1; };
  seam::EdgeProgram nothing{"gateway", "other", {}, {}, {}};
  traffic_->apply(nothing, [](const Result<>&) {});
  EXPECT_TRUE(executor_.run_until(only_one)) << "it has no pods";
  // Pods that are gone with their Gateway never answer.
  NginxTraffic hasty(
      executor_, {.admin_port = testing::free_port(), .watch_period = std::chrono::milliseconds(10), .farewells = 3});
  nothing.pods = {{"127.0.0.1", "1"}};
  int answers = 0;
  hasty.apply(nothing, [&](const Result<>& result) { answers += result ? 0 : 1; });
  EXPECT_TRUE(executor_.run_until([&] { return hasty.gateways() == 0; }));
  EXPECT_EQ(answers, 1);
  // One of the same name may come again.
  apply(other);
  EXPECT_EQ(traffic_->gateways(), 2U);
  EXPECT_EQ(Client(port).get("/").code, 200);
}

TEST_F(NginxTrafficTest, WhatCannotBeServedSaysSo) {
  seam::EdgeProgram wanted = canary(1, 0);
  apply(wanted);
  Client client(port);
  EXPECT_EQ(client.get("/", "other.example").code, 404);
  wanted.routes[0].rules[0].backends[0].endpoints.clear();
  apply(wanted);
  EXPECT_EQ(client.get("/").code, 503);
  wanted.routes[0].rules[0].backends.clear();
  apply(wanted);
  EXPECT_EQ(client.get("/").code, 500);
}

TEST_F(NginxTrafficTest, SlowBackendsTimeOut) {
  // Listens, so that connections open, and never answers.
  const testing::SilentBackend silent;
  seam::EdgeProgram wanted = program();
  wanted.routes[0].rules[0].backends = {backend("web", {silent.endpoint()}, 1)};
  wanted.routes[0].rules[0].request_timeout = std::chrono::milliseconds(200);
  apply(wanted);
  Client client(port);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(client.get("/").code, 504);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST_F(NginxTrafficTest, RequestsAreMatchedAsGatewayApiSays) {
  struct Way {
    seam::RouteMatch match;
    std::string name;
  };
  const std::vector<Way> ways = {
      {{{"PathPrefix", "", "/"}, "", {}, {}}, "root"},
      {{{"PathPrefix", "", "/cart/"}, "", {}, {}}, "prefix"},
      {{{"Exact", "", "/cart"}, "", {}, {}}, "exact"},
      {{{"RegularExpression", "", "/item/[0-9]+"}, "", {}, {}}, "regex"},
      {{{"PathPrefix", "", "/"}, "POST", {}, {}}, "post"},
      {{{"PathPrefix", "", "/"}, "", {{"Exact", "X-Version", "2"}}, {}}, "header"},
      {{{"PathPrefix", "", "/"}, "", {{"RegularExpression", "x-version", "[3-9]"}, {"Exact", "x-beta", "yes"}}, {}},
       "headers"},
      {{{"PathPrefix", "", "/"}, "", {{"Exact", "X-List", "a,b"}}, {}}, "list"},
      {{{"PathPrefix", "", "/"}, "", {}, {{"RegularExpression", "flag", "[a-z]+"}}}, "flag"},
      {{{"PathPrefix", "", "/"}, "", {}, {{"Exact", "page", "two"}}}, "query"}};
  seam::EdgeProgram wanted = program();
  wanted.routes[0].rules.clear();
  std::vector<std::unique_ptr<Backend>> backends;
  for (const Way& way : ways) {
    backends.push_back(std::make_unique<Backend>(way.name));
    wanted.routes[0].rules.push_back({{way.match}, {backend(way.name, {backends.back()->endpoint()}, 1)}, {}, {}});
  }
  apply(wanted);
  Client client(port);
  const auto get = [&](const std::string& target, const std::string& head = {}) {
    return client.get(target, "shop.example", head).body;
  };
  EXPECT_EQ(get("/"), "root");
  EXPECT_EQ(get("/cart"), "exact");
  EXPECT_EQ(get("/cart/1?x=y"), "prefix");
  EXPECT_EQ(get("/cartoon"), "root");
  EXPECT_EQ(get("/item/42"), "regex");
  EXPECT_EQ(get("/item/42x"), "root");
  EXPECT_EQ(client.send("POST", "/", "shop.example", "Content-Type: application/json\r\n", "{}").body, "post");
  EXPECT_EQ(get("/", "x-version: 2\r\n"), "header");
  EXPECT_EQ(get("/", "x-version: 3\r\nX-Beta: yes\r\n"), "headers");
  EXPECT_EQ(get("/", "x-version: 3\r\n"), "root");
  EXPECT_EQ(get("/?page=two"), "query");
  EXPECT_EQ(get("/?page=three"), "root");
  EXPECT_EQ(get("/?page=two&page=three"), "query");
  EXPECT_EQ(get("/?page=three&page=two"), "root") << "of a repeated parameter the first counts";
  EXPECT_EQ(get("/?flag=on"), "flag");
  EXPECT_EQ(get("/?flag"), "root") << "a parameter without a value is empty";
  EXPECT_EQ(get("/", "X-List: a\r\nx-list: b\r\n"), "list") << "a repeated header is a list";
  EXPECT_EQ(get("/", "X-List: a\r\n"), "root");
}

TEST_F(NginxTrafficTest, AttacksAreBlockedAndTheRuleIsNamed) {
  apply(canary(1, 0));
  Client client(port);
  const auto expect_blocked = [&](const std::string& target, const std::string& rule) {
    EXPECT_EQ(client.get(target).code, 403) << target;
    EXPECT_NE(edge->log().find(fmt::format("[id \"{}\"]", rule)), std::string::npos) << target;
  };
  expect_blocked("/?q=1%27%20OR%201=1--", "942100");
  expect_blocked("/?file=../../../etc/passwd", "930100");
  expect_blocked("/?q=%3Cscript%3Ealert(1)%3C/script%3E", "941100");
  const Answer post =
      client.send("POST", "/", "shop.example", "Content-Type: application/json\r\n", R"({"q": "1' OR 1=1--"})");
  EXPECT_EQ(post.code, 403);
  for (const char* method : {"PUT", "DELETE", "PATCH"}) {
    EXPECT_EQ(
        client.send(method, "/", "shop.example", "Content-Type: application/json\r\n", R"({"name": "Anna"})").code,
        200);
  }
  EXPECT_EQ(client.get("/?q=red+shoes").code, 200);
}

TEST_F(NginxTrafficTest, ARestartedEdgeIsToldAgain) {
  apply(canary(1, 0));
  edge->restart();
  // Nobody applies anything: the watch notices.
  Answer answer;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (answer.code != 200 && std::chrono::steady_clock::now() < deadline) answer = Client(port).get("/");
  EXPECT_EQ(answer.code, 200) << edge->log();
}

TEST_F(NginxTrafficTest, NewListenersLoseNoRequest) {
  apply(canary(1, 0));
  std::atomic<bool> stop = false;
  std::atomic<int> lost = 0;
  std::atomic<int> sent = 0;
  std::vector<std::jthread> load;
  for (int i = 0; i < 8; ++i) {
    load.emplace_back([&] {
      Client client(port);
      while (!stop) {
        ++sent;
        if (client.get("/").code != 200) ++lost;
      }
    });
  }
  const std::size_t reloads_before = reloads();
  seam::EdgeProgram wanted = canary(1, 0);
  const std::uint16_t extra = testing::free_port();
  wanted.listeners.push_back({"extra", extra, ""});
  wanted.routes[0].listeners = {"http", "extra"};
  apply(wanted);
  EXPECT_EQ(Client(extra).get("/").code, 200);
  apply(canary(1, 0));
  stop = true;
  load.clear();
  EXPECT_EQ(lost, 0) << "of " << sent;
  EXPECT_EQ(reloads(), reloads_before + 2);
}

TEST_F(NginxTrafficTest, RequestsAreCounted) {
  apply(canary(1, 0));
  EXPECT_EQ(Client(port).get("/").code, 200);
  EXPECT_NE(metrics().find(R"(edge_requests_total{route="shop/shop",backend="shop/web:80",code="200"})"),
            std::string::npos)
      << metrics();
}

TEST_F(NginxTrafficTest, NoPodIsAnErrorAndALaterProgramAnswersBoth) {
  std::vector<Result<>> results;
  seam::EdgeProgram nowhere = canary(1, 0);
  nowhere.pods.clear();
  const auto note = [&](Result<> result) { results.push_back(std::move(result)); };
  traffic_->apply(nowhere, note);
  ASSERT_TRUE(executor_.run_until([&] { return results.size() == 1; }));
  EXPECT_NE(results[0].error().message.find("no running pod of namespace gateway"), std::string::npos);
  traffic_->apply(canary(1, 1), note);
  traffic_->apply(canary(1, 0), note);
  ASSERT_TRUE(executor_.run_until([&] { return results.size() == 3; }));
  EXPECT_TRUE(results[1] && results[2]);
  Client client(port);
  EXPECT_EQ(ask(client, 4), (std::map<std::string, int>{{"stable", 4}}));
}

}  // namespace
}  // namespace fairlead::edge
