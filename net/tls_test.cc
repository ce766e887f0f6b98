#include "net/tls.h"

#include <future>

#include <gtest/gtest.h>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/testing_certificates.h"
#include "net/testing_peer.h"

namespace fairlead::net {
namespace {

using namespace std::chrono_literals;
using testing::Authority;
using testing::Identity;
using testing::RawPeer;

/// A TLS server that says who it sees.
class TlsTest : public ::testing::Test {
 protected:
  TlsTest() { start(10s); }

  void start(std::chrono::milliseconds handshake) {
    const Identity own = authority_.issue({{"CN", "server"}}, "DNS:localhost,IP:127.0.0.1");
    ServerOptions options{.tls = TlsServerOptions{own.certificate, own.key, authority_.certificate()}};
    options.limits.handshake = handshake;
    server_ = std::move(*HttpServer::start(options, [](const Request& request, const ResponseWriter& response) {
      std::string body = "anonymous";
      if (request.peer.certificate) {
        body = request.peer.certificate->common_name;
        for (const auto& organization : request.peer.certificate->organizations) body += "/" + organization;
      }
      if (!request.peer.certificate_error.empty()) body = "bad: " + request.peer.certificate_error;
      response.send({.body = body});
    }));
  }

  ClientRequest get(const std::string& host = "localhost") const {
    return {.url = {.tls = true, .host = host, .port = server_->port()}, .connect_to = "127.0.0.1"};
  }
  std::string ask(const Identity& identity) const {
    HttpClient client({.tls = TlsClientOptions{authority_.certificate(), identity.certificate, identity.key}});
    const auto response = client.fetch(get());
    return response ? response->body : response.error().message;
  }

  Authority authority_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(TlsTest, TheHandlerSeesTheClientsSubject) {
  EXPECT_EQ(ask(authority_.issue({{"CN", "admin"}, {"O", "system:masters"}, {"O", "people"}}, "")),
            "admin/system:masters/people");
  EXPECT_EQ(ask({}), "anonymous");
}

TEST_F(TlsTest, ABadClientCertificateIsTheHandlersToRefuse) {
  EXPECT_EQ(ask(Authority().issue({{"CN", "admin"}, {"O", "system:masters"}}, "")).substr(0, 4), "bad:");
  EXPECT_EQ(ask(authority_.issue({{"CN", "admin"}}, "", -60)), "bad: certificate has expired");
}

TEST_F(TlsTest, TheClientRefusesWhatItDoesNotTrust) {
  HttpClient stranger({.tls = TlsClientOptions{.ca = Authority().certificate()}});
  const auto untrusted = stranger.fetch(get());
  ASSERT_FALSE(untrusted.has_value());
  EXPECT_EQ(untrusted.error().kind, ClientError::Kind::kTls);
  HttpClient client({.tls = TlsClientOptions{.ca = authority_.certificate()}});
  EXPECT_TRUE(client.fetch(get("127.0.0.1")).has_value());
  const auto wrong_name = client.fetch(get("elsewhere"));
  ASSERT_FALSE(wrong_name.has_value());
  EXPECT_NE(wrong_name.error().message.find("hostname mismatch"), std::string::npos) << wrong_name.error().message;
}

TEST_F(TlsTest, KeepsTheConnectionAndCarriesLargeBodies) {
  const auto echo_server = [&] {
    const Identity own = authority_.issue({{"CN", "server"}}, "DNS:localhost");
    return std::move(*HttpServer::start(
        {.tls = TlsServerOptions{own.certificate, own.key, ""}},
        [](const Request& request, const ResponseWriter& response) { response.send({.body = request.body}); }));
  }();
  HttpClient client({.tls = TlsClientOptions{.ca = authority_.certificate()}});
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 26);
  for (int i = 0; i < 3; ++i) {
    const auto response = client.fetch({.method = "POST",
                                        .url = {.tls = true, .host = "localhost", .port = echo_server->port()},
                                        .body = large,
                                        .connect_to = "127.0.0.1"});
    ASSERT_TRUE(response.has_value()) << response.error().message;
    EXPECT_TRUE(response->body == large);
  }
  EXPECT_EQ(echo_server->stats().accepted, 1U);
}

TEST_F(TlsTest, EndsHandshakesThatAreNoneOrTakeTooLong) {
  start(100ms);
  RawPeer plain(server_->port());
  plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(plain.wait_closed());
  RawPeer silent(server_->port());
  EXPECT_TRUE(silent.wait_closed());
  EXPECT_EQ(server_->stats().failed_handshakes, 2U);
}

TEST(TlsContext, SaysWhichPartIsBad) {
  const Authority authority;
  const Identity one = authority.issue({{"CN", "one"}}, "");
  const Identity two = authority.issue({{"CN", "two"}}, "");
  EXPECT_NE(make_server_context({"nonsense", one.key, ""}).error().message.find("certificate is not readable"),
            std::string::npos);
  EXPECT_NE(make_server_context({one.certificate, "nonsense", ""}).error().message.find("key is not readable"),
            std::string::npos);
  EXPECT_NE(make_server_context({one.certificate, two.key, ""}).error().message.find("does not belong"),
            std::string::npos);
  EXPECT_NE(make_server_context({one.certificate, one.key, "nonsense"}).error().message.find("CA"), std::string::npos);
}

TEST_F(TlsTest, DrainsWhileClientsAreConnected) {
  HttpClient client({.tls = TlsClientOptions{.ca = authority_.certificate()}});
  ASSERT_TRUE(client.fetch(get()).has_value());
  EXPECT_TRUE(server_->drain(5s));
}

}  // namespace
}  // namespace fairlead::net
