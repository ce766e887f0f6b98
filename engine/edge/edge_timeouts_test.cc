// HTTPRoute timeouts, and connections that outlive a request.
#include "engine/edge/admin_client.h"
#include "engine/edge/testing_gateway.h"

namespace fairlead::edge {
namespace {

using std::chrono::milliseconds;
using testing::Answer;
using testing::Client;
using testing::LoopbackServer;
using testing::rule_to;
using testing::TestGateway;

constexpr Duration kDefault = milliseconds(400);

class EdgeTimeoutsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (testing::EdgeProcess::missing().empty()) gateway = std::make_unique<TestGateway>(kDefault);
  }
  static void TearDownTestSuite() { gateway.reset(); }
  void SetUp() override {
    if (!gateway) GTEST_SKIP() << testing::EdgeProcess::missing();
  }

  /// How a request ends, and after how long.
  static std::pair<Answer, Duration> ask() {
    const auto start = std::chrono::steady_clock::now();
    Answer answer = Client(gateway->port()).get("/");
    return {std::move(answer), std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start)};
  }

  static std::unique_ptr<TestGateway> gateway;
};

std::unique_ptr<TestGateway> EdgeTimeoutsTest::gateway;

/// Answers a request's head at once, and its body byte by byte for three seconds.
void trickle_body(int fd) {
  std::string buffer;
  std::string head;
  std::string body;
  if (!testing::take_message(fd, buffer, head, body)) return;
  if (!testing::send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n")) return;
  while (testing::send_all(fd, "x")) std::this_thread::sleep_for(milliseconds(50));
}

/// Sends its answer's head in pieces that take a second.
void trickle_head(int fd) {
  std::string buffer;
  std::string head;
  std::string body;
  if (!testing::take_message(fd, buffer, head, body)) return;
  for (const char c : std::string_view("HTTP/1.1 200 OK\r\n")) {
    if (!testing::send_all(fd, std::string_view(&c, 1))) return;
    std::this_thread::sleep_for(milliseconds(60));
  }
  testing::send_all(fd, "Content-Length: 2\r\n\r\nok");
}

/// Answers after this long.
auto answer_after(Duration delay) {
  return [delay](int fd) {
    std::string buffer;
    std::string head;
    std::string body;
    if (!testing::take_message(fd, buffer, head, body)) return;
    std::this_thread::sleep_for(delay);
    testing::send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  };
}

TEST_F(EdgeTimeoutsTest, ATimeoutEndsAnAnswerThatTrickles) {
  LoopbackServer backend(trickle_body);
  seam::RouteRule rule = rule_to(backend.endpoint());
  for (const bool whole : {true, false}) {
    (whole ? rule.request_timeout : rule.backend_timeout) = milliseconds(300);
    (whole ? rule.backend_timeout : rule.request_timeout) = std::nullopt;
    gateway->apply({rule});
    const auto [answer, took] = ask();
    EXPECT_EQ(answer.code, 0) << "the answer is broken off";
    EXPECT_GE(took, milliseconds(250));
    EXPECT_LT(took, milliseconds(1500));
  }
  const auto metrics =
      ask_admin("127.0.0.1", gateway->edge().settings().metrics_port, "GET", "/metrics", {}, std::chrono::seconds(2));
  ASSERT_TRUE(metrics);
  EXPECT_NE(metrics->body.find(R"(edge_requests_total{route="shop/shop",backend="shop/web:80",code="504"} 2)"),
            std::string::npos)
      << metrics->body;
}

TEST_F(EdgeTimeoutsTest, AHeadThatTricklesIsTooLate) {
  LoopbackServer backend(trickle_head);
  seam::RouteRule rule = rule_to(backend.endpoint());
  rule.request_timeout = milliseconds(300);
  gateway->apply({rule});
  const auto [answer, took] = ask();
  EXPECT_EQ(answer.code, 504) << answer.head;
}

TEST_F(EdgeTimeoutsTest, AnAnswerInTimeIsWhole) {
  LoopbackServer backend(answer_after(milliseconds(50)));
  seam::RouteRule rule = rule_to(backend.endpoint());
  rule.request_timeout = std::chrono::seconds(5);
  rule.backend_timeout = std::chrono::seconds(4);
  gateway->apply({rule});
  EXPECT_EQ(ask().first.body, "ok");
}

TEST_F(EdgeTimeoutsTest, ZeroSwitchesATimeoutOffAndNoneIsTheEdges) {
  LoopbackServer backend(answer_after(kDefault * 2));
  const seam::RouteRule plain = rule_to(backend.endpoint());
  gateway->apply({plain});
  EXPECT_EQ(ask().first.code, 504);
  seam::RouteRule rule = plain;
  rule.request_timeout = Duration(0);
  gateway->apply({rule});
  EXPECT_EQ(ask().first.body, "ok");
  rule = plain;
  rule.backend_timeout = Duration(0);
  gateway->apply({rule});
  EXPECT_EQ(ask().first.body, "ok");
  // Longer than the edge's own is as it is written.
  rule.backend_timeout = std::nullopt;
  rule.request_timeout = std::chrono::seconds(10);
  gateway->apply({rule});
  EXPECT_EQ(ask().first.body, "ok");
  // One that is switched off leaves the other.
  rule.request_timeout = Duration(0);
  rule.backend_timeout = milliseconds(100);
  gateway->apply({rule});
  EXPECT_EQ(ask().first.code, 504);
}

TEST_F(EdgeTimeoutsTest, WebSocketsGoThroughAndOtherUpgradesDoNot) {
  LoopbackServer backend([](int fd) {
    std::string buffer;
    std::string head;
    std::string body;
    if (!testing::take_message(fd, buffer, head, body)) return;
    if (head.find("Upgrade: websocket") == std::string::npos) {
      testing::send_all(fd, fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", head.size(), head));
      return;
    }
    testing::send_all(fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    while (!buffer.empty() || testing::receive(fd, buffer)) {
      if (!testing::send_all(fd, buffer)) return;
      buffer.clear();
    }
  });
  gateway->apply({rule_to(backend.endpoint())});
  const testing::Socket socket = testing::connect_to(gateway->port());
  ASSERT_TRUE(testing::send_all(socket.fd(),
                                "GET /chat HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: test\r\nAccept: */*\r\n"
                                "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
  std::string buffer;
  std::string head;
  std::string body;
  ASSERT_TRUE(testing::take_message(socket.fd(), buffer, head, body)) << gateway->edge().log();
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
  // Longer than the edge waits for an answer: a conversation may pause.
  for (const std::string word : {"one", "two"}) {
    ASSERT_TRUE(testing::send_all(socket.fd(), word));
    std::string echo;
    while (echo.size() < word.size() && testing::receive(socket.fd(), echo)) continue;
    EXPECT_EQ(echo, word);
    std::this_thread::sleep_for(kDefault * 2);
  }

  const Answer answer = Client(gateway->port()).get("/", "shop.example", "Connection: Upgrade\r\nUpgrade: h2c\r\n");
  EXPECT_EQ(answer.code, 200);
  EXPECT_EQ(answer.body.find("pgrade"), std::string::npos) << answer.body;
}

}  // namespace
}  // namespace fairlead::edge
