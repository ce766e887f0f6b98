#include "net/http_client.h"

#include <atomic>
#include <fstream>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "net/dns.h"
#include "net/http_server.h"
#include "net/testing_peer.h"

namespace fairlead::net {
namespace {

using namespace std::chrono_literals;
using Kind = ClientError::Kind;

ClientRequest get(std::uint16_t port, std::string target = "/") {
  return {.url = {.host = "127.0.0.1", .port = port, .target = std::move(target)}};
}

std::unique_ptr<HttpServer> serve(Handler handler, ServerOptions options = {}) {
  return std::move(*HttpServer::start(std::move(options), std::move(handler)));
}

/// Answers its connections with fixed bytes, one after the other, and closes each.
class Scripted {
 public:
  explicit Scripted(std::vector<std::string> answers) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
    ::listen(fd_, 16);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
    thread_ = std::jthread([fd = fd_, answers = std::move(answers)] {
      for (const std::string& answer : answers) {
        const int peer = ::accept(fd, nullptr, nullptr);
        char buffer[4096];
        static_cast<void>(::recv(peer, buffer, sizeof(buffer), 0));
        static_cast<void>(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL));
        ::close(peer);
      }
    });
  }
  ~Scripted() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  Scripted(const Scripted&) = delete;
  Scripted& operator=(const Scripted&) = delete;
  std::uint16_t port = 0;

 private:
  int fd_;
  std::jthread thread_;
};

Kind failure_of(HttpClient& client, ClientRequest request) {
  const auto response = client.fetch(std::move(request));
  EXPECT_FALSE(response.has_value());
  return response ? Kind::kLimit : response.error().kind;
}

TEST(HttpClient, KeepsConnectionsAndSendsHostAndBody) {
  const auto server = serve([](const Request& request, const ResponseWriter& response) {
    response.send({.status = 201,
                   .headers = {{"x-seen", request.headers.get("host")}},
                   .body = request.method + request.target + request.body});
  });
  HttpClient client;
  for (int i = 0; i < 5; ++i) {
    const auto response = client.fetch({.method = "POST",
                                        .url = {.host = "shop.example", .port = server->port(), .target = "/a?b"},
                                        .body = "hi",
                                        .connect_to = "127.0.0.1"});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->status, 201);
    EXPECT_EQ(response->body, "POST/a?bhi");
    EXPECT_EQ(response->headers.get("X-Seen"), "shop.example:" + std::to_string(server->port()));
  }
  EXPECT_EQ(server->stats().accepted, 1U);
}

TEST(HttpClient, LeavesConnectionsThatAreTooOld) {
  const auto server = serve([](const Request&, const ResponseWriter& response) { response.send({}); });
  HttpClient client({.age = 1ms});
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (server->stats().accepted < 3 && std::chrono::steady_clock::now() < deadline)
    ASSERT_TRUE(client.fetch(get(server->port())));
  EXPECT_GE(server->stats().accepted, 3U);
}

TEST(HttpClient, RunsManyCallsAtOnce) {
  const auto server =
      serve([](const Request& request, const ResponseWriter& response) { response.send({.body = request.target}); });
  HttpClient client;
  std::atomic<int> good{0};
  std::promise<void> all;
  std::atomic<int> left{200};
  for (int i = 0; i < 200; ++i) {
    const std::string target = "/" + std::to_string(i);
    client.send(get(server->port(), target), [&, target](ClientResult<Response> response) {
      if (response && response->body == target) ++good;
      if (--left == 0) all.set_value();
    });
  }
  ASSERT_EQ(all.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_EQ(good, 200);
}

TEST(HttpClient, SaysHowACallFailed) {
  std::vector<ResponseWriter> kept;
  const auto server = serve([&](const Request&, ResponseWriter response) { kept.push_back(std::move(response)); });
  HttpClient client({.max_body_bytes = 10});
  ClientRequest slow = get(server->port());
  slow.timeout = 30ms;
  EXPECT_EQ(failure_of(client, slow), Kind::kTimeout);
  std::uint16_t nobody = 0;
  {
    const Scripted gone({});
    nobody = gone.port;
  }
  EXPECT_EQ(failure_of(client, get(nobody)), Kind::kConnect);
  EXPECT_EQ(failure_of(client, get(Scripted({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}).port)),
            Kind::kClosed);
  EXPECT_EQ(failure_of(client, get(Scripted({"SSH-2.0-OpenSSH\r\n\r\n"}).port)), Kind::kProtocol);
  EXPECT_EQ(failure_of(client, get(Scripted({"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901"}).port)),
            Kind::kLimit);
  ClientRequest smuggled = get(server->port());
  smuggled.headers.add("x", "a\r\nb: c");
  EXPECT_EQ(failure_of(client, smuggled), Kind::kProtocol);
}

TEST(HttpClient, SkipsInterimAnswersAndReadsUntilTheEnd) {
  HttpClient client;
  const Scripted server({"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end"});
  const auto response = client.fetch(get(server.port));
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body, "until the end");
}

TEST(HttpClient, RepeatsOnANewConnectionWhenTheKeptOneWasClosed) {
  const Scripted server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"});
  HttpClient client;
  EXPECT_EQ(client.fetch(get(server.port))->body, "1");
  EXPECT_EQ(client.fetch(get(server.port))->body, "2");
}

TEST(HttpClient, StreamsUntilCancelled) {
  std::promise<ResponseWriter> kept;
  std::promise<void> gone;
  const auto server = serve([&](const Request&, ResponseWriter response) {
    response.start(200, {});
    response.on_closed([&] { gone.set_value(); });
    kept.set_value(std::move(response));
  });
  HttpClient client;
  std::promise<std::string> first;
  auto call =
      client.stream(get(server->port()), {.on_head = [](int status, const Headers&) { EXPECT_EQ(status, 200); },
                                          .on_data = [&](std::string_view data) { first.set_value(std::string(data)); },
                                          .on_end = {}});
  const ResponseWriter writer = kept.get_future().get();
  writer.write("tick");
  EXPECT_EQ(first.get_future().get(), "tick");
  call.reset();
  EXPECT_EQ(gone.get_future().wait_for(10s), std::future_status::ready);
}

TEST(HttpClient, EndsCallsWhenDestroyed) {
  std::vector<ResponseWriter> kept;
  const auto server = serve([&](const Request&, ResponseWriter response) { kept.push_back(std::move(response)); });
  std::promise<ClientResult<Response>> answer;
  {
    HttpClient client;
    client.send(get(server->port()), [&](ClientResult<Response> result) { answer.set_value(std::move(result)); });
  }
  EXPECT_EQ(answer.get_future().get().error().kind, Kind::kClosed);
}

TEST(Url, ReadsItsParts) {
  const auto url = Url::parse("http://catalog.shop.svc.cluster.local:8080/a?b=c");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->host, "catalog.shop.svc.cluster.local");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->target, "/a?b=c");
  EXPECT_EQ(Url::parse("https://[::1]")->host, "::1");
  EXPECT_EQ(Url::parse("https://[::1]")->port, 443);
  EXPECT_EQ(Url::parse("http://a?x")->target, "/?x");
  EXPECT_EQ(Url::parse("http://a:81")->authority(), "a:81");
  EXPECT_EQ(Url::parse("http://a:80")->authority(), "a");
  for (const char* bad :
       {"a", "ftp://a", "http://", "http://a:x", "http://a:99999", "http://u:p@a", "http://a/b c", "http://a/#x"}) {
    EXPECT_FALSE(Url::parse(bad).has_value()) << bad;
  }
}

/// A nameserver on loopback: answers `known`, says NXDOMAIN to the rest, and ignores the first `deaf` questions.
class Nameserver {
 public:
  explicit Nameserver(std::string known, int deaf = 0) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
    timeval wait{0, 20'000};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    thread_ = std::jthread([this, known = std::move(known), deaf](const std::stop_token& stop) mutable {
      while (!stop.stop_requested()) answer(known, deaf);
    });
  }
  ~Nameserver() {
    thread_.request_stop();
    thread_.join();
    ::close(fd_);
  }
  Nameserver(const Nameserver&) = delete;
  Nameserver& operator=(const Nameserver&) = delete;
  std::uint16_t port = 0;
  std::atomic<int> asked{0};

 private:
  void answer(const std::string& known, int& deaf) {
    char buffer[512];
    sockaddr_in from{};
    socklen_t length = sizeof(from);
    const auto got = ::recvfrom(fd_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (got < 12) return;
    ++asked;
    if (deaf-- > 0) return;
    std::string reply(buffer, static_cast<std::size_t>(got));
    const bool yes = reply.substr(12) == encode_dns_query(0, known)->substr(12);
    reply[2] = static_cast<char>(0x81);
    reply[3] = static_cast<char>(yes ? 0x80 : 0x83);
    if (yes) {
      reply[7] = 1;
      reply += std::string("\xC0\x0C\0\1\0\1\0\0\0\x1E\0\4\x7F\0\0\1", 16);
    }
    ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
  }

  int fd_;
  std::jthread thread_;
};

std::string write_resolv_conf(std::uint16_t port, const std::string& rest) {
  const std::string path = ::testing::TempDir() + "resolv." + std::to_string(port);
  std::ofstream(path) << "nameserver 127.0.0.1:" << port << "\n" << rest;
  return path;
}

TEST(Resolver, FindsServicesThroughSearchDomainsAndKeepsTheAnswer) {
  const Nameserver dns("catalog.shop.svc.cluster.local");
  const auto server = serve([](const Request& request, const ResponseWriter& response) {
    response.send({.body = std::string(request.headers.get("host"))});
  });
  HttpClient client(
      {.resolv_conf = write_resolv_conf(dns.port, "search x.local shop.svc.cluster.local\noptions ndots:5\n")});
  for (int i = 0; i < 3; ++i) {
    const auto response = client.fetch({.url = {.host = "catalog", .port = server->port()}});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_EQ(response->body, "catalog:" + std::to_string(server->port()));
  }
  EXPECT_EQ(dns.asked, 2);
}

TEST(Resolver, AsksAgainAndThenSaysWhatIsWrong) {
  const Nameserver once_deaf("a.local", 1);
  HttpClient client({.resolv_conf = write_resolv_conf(once_deaf.port, "options timeout:1 attempts:2\n")});
  EXPECT_EQ(failure_of(client, {.url = {.host = "a.local", .port = 1}}), Kind::kConnect);
  EXPECT_EQ(once_deaf.asked, 2);
  const auto unknown = client.fetch({.url = {.host = "b.local", .port = 1}});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().kind, Kind::kResolve);
  EXPECT_NE(unknown.error().message.find("b.local has no address"), std::string::npos) << unknown.error().message;
}

TEST(Resolver, ReadsHostsFirst) {
  const std::string path = ::testing::TempDir() + "hosts";
  std::ofstream(path) << "# comment\n127.0.0.1 localhost shop.test # more\n";
  const auto server = serve([](const Request&, const ResponseWriter& response) { response.send({.body = "ok"}); });
  HttpClient client({.resolv_conf = "/nonexistent", .hosts = path});
  EXPECT_TRUE(client.fetch({.url = {.host = "shop.test", .port = server->port()}}).has_value());
}

TEST(Dns, OrdersNamesAsGlibcDoes) {
  const ResolvConf conf = parse_resolv_conf("search a.b c\nnameserver 1.2.3.4\noptions ndots:2\n");
  using Names = std::vector<std::string>;
  EXPECT_EQ(candidate_names(conf, "x"), (Names{"x.a.b", "x.c", "x"}));
  EXPECT_EQ(candidate_names(conf, "x.y.z"), (Names{"x.y.z", "x.y.z.a.b", "x.y.z.c"}));
  EXPECT_EQ(candidate_names(conf, "x."), (Names{"x"}));
  EXPECT_EQ(parse_resolv_conf("").nameservers, (Names{"127.0.0.1"}));
}

TEST(Dns, ReadsAnswersStrictly) {
  const std::string query = *encode_dns_query(7, "a.b");
  std::string answer = query;
  answer[2] = static_cast<char>(0x81);
  answer[7] = 2;
  answer += std::string("\xC0\x0C\0\5\0\1\0\0\0\x09\0\2\1c", 14) + std::string("\0", 1);  // CNAME c., length says 2
  EXPECT_FALSE(parse_dns_answer(answer, 7, "a.b").has_value());
  std::string good = query;
  good[2] = static_cast<char>(0x81);
  good[7] = 2;
  good += std::string("\xC0\x0C\0\5\0\1\0\0\0\x09\0\3\1c\0", 15);
  good += std::string("\1c\0\0\1\0\1\0\0\0\x05\0\4\x0A\1\2\3", 17);
  const auto read = parse_dns_answer(good, 7, "A.B");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->addresses, std::vector<std::string>{"10.1.2.3"});
  EXPECT_EQ(read->ttl, 5s);
  EXPECT_FALSE(parse_dns_answer(good, 8, "a.b").has_value());
  EXPECT_FALSE(parse_dns_answer(good, 7, "a.c").has_value());
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(parse_dns_answer(good.substr(0, length), 7, "a.b").has_value()) << length;
  }
  std::string loop = query;
  loop[2] = static_cast<char>(0x81);
  loop[7] = 1;
  loop += std::string("\xC0", 1) + static_cast<char>(query.size()) + std::string("\0\1\0\1\0\0\0\x09\0\0", 10);
  EXPECT_FALSE(parse_dns_answer(loop, 7, "a.b").has_value());
  EXPECT_FALSE(encode_dns_query(1, "a..b").has_value());
  EXPECT_FALSE(encode_dns_query(1, std::string(64, 'a')).has_value());
}

}  // namespace
}  // namespace fairlead::net
