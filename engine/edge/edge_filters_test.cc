// Filters of HTTPRoutes, as a real nginx carries them out.
#include "engine/edge/testing_gateway.h"

namespace fairlead::edge {
namespace {

using testing::Answer;
using testing::Client;
using testing::LoopbackServer;
using testing::rule_to;
using testing::TestGateway;

/// A header's values, each ended by '|'; of a request as its backend saw it, or of an answer.
std::string header(std::string_view head, std::string_view name) {
  std::string out;
  const std::string start = fmt::format("\r\n{}: ", name);
  for (std::size_t at = 0; (at = head.find(start, at)) != std::string_view::npos;) {
    at += start.size();
    out += fmt::format("{}|", head.substr(at, head.find("\r\n", at) - at));
    at -= 2;
  }
  return out;
}

/// Says in its body what it was asked.
void echo(int fd) {
  std::string buffer;
  std::string head;
  std::string body;
  while (testing::take_message(fd, buffer, head, body)) {
    if (!testing::send_all(fd, fmt::format("HTTP/1.1 200 OK\r\nX-Old: 1\r\nX-Gone: 1\r\nX-Kept: 1\r\n"
                                           "Content-Length: {}\r\n\r\n{}",
                                           head.size(), head)))
      return;
  }
}

class EdgeFiltersTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (testing::EdgeProcess::missing().empty()) gateway = std::make_unique<TestGateway>();
  }
  static void TearDownTestSuite() { gateway.reset(); }
  void SetUp() override {
    if (!gateway) GTEST_SKIP() << testing::EdgeProcess::missing();
  }

  static Answer get(const std::string& target, const std::string& head = {}) {
    return Client(gateway->port()).get(target, "shop.example", head);
  }
  /// The path that the backend was asked for, or what went wrong.
  static std::string path_of(const Answer& answer) {
    if (answer.code != 200) return fmt::format("{}", answer.code);
    return answer.body.substr(4, answer.body.find(" HTTP/1.1\r\n") - 4);
  }

  static std::unique_ptr<TestGateway> gateway;
  LoopbackServer backend_{echo};
};

std::unique_ptr<TestGateway> EdgeFiltersTest::gateway;

TEST_F(EdgeFiltersTest, RequestHeaders) {
  seam::RouteRule rule = rule_to(backend_.endpoint());
  rule.filters.request = {{{"X-Set", "new"}}, {{"X-Add", "more"}, {"X-Fresh", "first"}}, {"X-Gone"}};
  rule.backends[0].filters.request.set = {{"X-Backend", "web"}};
  gateway->apply({rule});
  const Answer answer = get("/", "x-set: old\r\nX-Add: one\r\nX-Add: two\r\nx-gone: 1\r\nX-Kept: 1\r\n");
  EXPECT_EQ(header(answer.body, "X-Set") + header(answer.body, "x-set"), "new|") << answer.body;
  EXPECT_EQ(header(answer.body, "X-Add"), "one,two,more|") << answer.body;
  EXPECT_EQ(header(answer.body, "X-Fresh"), "first|");
  EXPECT_EQ(header(answer.body, "x-gone"), "");
  EXPECT_EQ(header(answer.body, "X-Kept"), "1|");
  EXPECT_EQ(header(answer.body, "X-Backend"), "web|");
}

TEST_F(EdgeFiltersTest, HeadersOfABackendAreItsOwn) {
  seam::RouteRule rule = rule_to(backend_.endpoint());
  rule.backends.push_back({"shop", "canary", 80, 1, {backend_.endpoint()}});
  rule.backends[1].filters.request.set = {{"X-Track", "canary"}};
  rule.backends[1].filters.response.set = {{"X-Track", "canary"}};
  gateway->apply({rule});
  int changed = 0;
  for (int i = 0; i < 10; ++i) {
    const Answer answer = get("/");
    EXPECT_EQ(header(answer.head, "X-Track"), header(answer.body, "X-Track"));
    changed += header(answer.head, "X-Track") == "canary|" ? 1 : 0;
  }
  EXPECT_EQ(changed, 5);
}

TEST_F(EdgeFiltersTest, ResponseHeaders) {
  seam::RouteRule rule = rule_to(backend_.endpoint());
  rule.filters.response = {
      {{"X-Old", "2"}, {"Strict-Transport-Security", "max-age=1"}}, {{"X-Kept", "2"}}, {"X-Gone", "Server"}};
  gateway->apply({rule});
  Answer answer = get("/");
  EXPECT_EQ(header(answer.head, "X-Old"), "2|");
  EXPECT_EQ(header(answer.head, "Strict-Transport-Security"), "max-age=1|");
  EXPECT_EQ(header(answer.head, "X-Kept"), "1|2|");
  EXPECT_EQ(header(answer.head, "X-Gone"), "");
  EXPECT_EQ(header(answer.head, "Server"), "") << answer.head;
  rule.backends[0].endpoints.clear();
  gateway->apply({rule});
  answer = get("/");
  EXPECT_EQ(answer.code, 503);
  EXPECT_EQ(header(answer.head, "X-Old"), "2|") << "what the edge answers for the rule is the rule's answer";
}

TEST_F(EdgeFiltersTest, PrefixesAreReplacedAsGatewayApiSays) {
  struct Case {
    std::string prefix;
    std::string replacement;
    std::string asked;
    std::string expected;
  };
  // The table at HTTPPathModifier.ReplacePrefixMatch, and what is escaped.
  for (const Case& one :
       std::vector<Case>{{"/foo", "/xyz", "/foo/bar", "/xyz/bar"},
                         {"/foo", "/xyz/", "/foo/bar", "/xyz/bar"},
                         {"/foo/", "/xyz", "/foo/bar", "/xyz/bar"},
                         {"/foo/", "/xyz/", "/foo/bar", "/xyz/bar"},
                         {"/foo", "/xyz", "/foo", "/xyz"},
                         {"/foo", "/xyz", "/foo/", "/xyz/"},
                         {"/foo", "", "/foo/bar", "/bar"},
                         {"/foo", "", "/foo/", "/"},
                         {"/foo", "", "/foo", "/"},
                         {"/foo", "/", "/foo/", "/"},
                         {"/foo", "/", "/foo", "/"},
                         {"/", "/xyz", "/bar", "/xyz/bar"},
                         {"/foo", "/xyz", "/foo/a%20b%25c%3Fd?q=a%20b&r=%2F", "/xyz/a%20b%25c%3Fd?q=a%20b&r=%2F"},
                         {"/foo", "/x%20y", "/foo/bar", "/x%20y/bar"}}) {
    seam::RouteRule rule = rule_to(backend_.endpoint(), one.prefix);
    rule.filters.rewrite = {{}, seam::PathChange{"ReplacePrefixMatch", one.replacement}};
    gateway->apply({rule});
    EXPECT_EQ(path_of(get(one.asked)), one.expected) << one.prefix << " by " << one.replacement << " in " << one.asked;
  }
}

TEST_F(EdgeFiltersTest, WholePathsAndHostsAreRewritten) {
  seam::RouteRule rule = rule_to(backend_.endpoint());
  rule.filters.rewrite = {"internal.example", seam::PathChange{"ReplaceFullPath", "/one"}};
  gateway->apply({rule});
  Answer answer = get("/a/b?c=d");
  EXPECT_EQ(path_of(answer), "/one?c=d");
  EXPECT_EQ(header(answer.body, "Host"), "internal.example|");
  rule.filters.rewrite->path = std::nullopt;
  gateway->apply({rule});
  answer = get("/a%2Fb?c=d");
  EXPECT_EQ(path_of(answer), "/a%2Fb?c=d") << "a path that nothing changes is the client's";
  EXPECT_EQ(header(answer.body, "Host"), "internal.example|");
}

TEST_F(EdgeFiltersTest, Redirects) {
  seam::RouteRule rule = rule_to(backend_.endpoint(), "/old");
  rule.backends.clear();
  const auto location = [&](const seam::Redirect& redirect, const std::string& target) {
    rule.filters.redirect = redirect;
    gateway->apply({rule});
    const Answer answer = get(target);
    EXPECT_EQ(answer.code, redirect.status);
    return header(answer.head, "Location");
  };
  const std::string here = fmt::format("http://shop.example:{}", gateway->port());
  EXPECT_EQ(location({"", "", std::nullopt, 0, 302}, "/old/a%20b?c=d"), here + "/old/a%20b?c=d|");
  EXPECT_EQ(location({"https", "", std::nullopt, 0, 301}, "/old"), "https://shop.example/old|");
  EXPECT_EQ(location({"http", "", std::nullopt, 0, 307}, "/old"), "http://shop.example/old|");
  EXPECT_EQ(location({"https", "", std::nullopt, 8443, 308}, "/old"), "https://shop.example:8443/old|");
  EXPECT_EQ(location({"", "", std::nullopt, 80, 303}, "/old"), "http://shop.example/old|");
  EXPECT_EQ(location({"", "new.example", seam::PathChange{"ReplacePrefixMatch", "/new"}, 0, 302}, "/old/a%20b?c=d"),
            fmt::format("http://new.example:{}/new/a%20b?c=d|", gateway->port()));
  EXPECT_EQ(location({"https", "new.example", seam::PathChange{"ReplaceFullPath", "/"}, 0, 302}, "/old/x"),
            "https://new.example/|");
  rule.filters.response.set = {{"Cache-Control", "no-store"}};
  gateway->apply({rule});
  EXPECT_EQ(header(get("/old").head, "Cache-Control"), "no-store|");
  EXPECT_EQ(get("/old?q=1%27%20OR%201=1--").code, 403) << "the firewall comes first";
}

}  // namespace
}  // namespace fairlead::edge
