#include "engine/node/dial.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <csignal>
#include <thread>

#include "engine/node/grpc_health.h"
#include "engine/node/probe.h"
#include "engine/node/process.h"
#include "engine/node/testing_listener.h"

namespace fairlead::node {
namespace {

constexpr Address kLoopback = 0x7F000001;

/// Listens on loopback and gives its one connection to `serve`.
class Server {
 public:
  explicit Server(std::function<void(int fd)> serve) {
    if (!serve) return;
    thread_ = std::jthread([this, serve = std::move(serve)] {
      const Descriptor client(::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (client) serve(client.get());
    });
  }
  ~Server() { ::shutdown(listener_.socket.get(), SHUT_RDWR); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  [[nodiscard]] std::uint16_t port() const { return listener_.port; }

 private:
  LoopbackListener listener_;
  std::jthread thread_;
};

/// Reads until a blank line and answers with `code`.
std::function<void(int)> http(int code) {
  return [code](int fd) {
    std::string request;
    char buffer[1024];
    for (ssize_t got = 0; request.find("\r\n\r\n") == std::string::npos;
         request.append(buffer, static_cast<std::size_t>(got))) {
      got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) return;
    }
    const std::string answer = fmt::format("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", code);
    ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  };
}

/// The same over TLS, with a certificate that nobody signed.
std::function<void(int)> https(int code) {
  return [code](int fd) {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"),
                                                             ::EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> certificate(::X509_new(), ::X509_free);
    ::X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    ::X509_gmtime_adj(X509_getm_notAfter(certificate.get()), -3600);  // And expired.
    ::X509_set_pubkey(certificate.get(), key.get());
    ::X509_sign(certificate.get(), key.get(), ::EVP_sha256());
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(::SSL_CTX_new(::TLS_server_method()), ::SSL_CTX_free);
    ::SSL_CTX_use_certificate(context.get(), certificate.get());
    ::SSL_CTX_use_PrivateKey(context.get(), key.get());
    const std::unique_ptr<SSL, void (*)(SSL*)> ssl(::SSL_new(context.get()), ::SSL_free);
    ::SSL_set_fd(ssl.get(), fd);
    char buffer[1024];
    if (::SSL_accept(ssl.get()) != 1 || ::SSL_read(ssl.get(), buffer, sizeof buffer) <= 0) return;
    const std::string answer = fmt::format("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", code);
    ::SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
  };
}

std::string grpc_frame(unsigned type, unsigned flags, const std::string& payload) {
  std::string out("\0\0", 2);
  out += static_cast<char>(payload.size());
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out + std::string("\0\0\0\1", 4) + payload;
}

std::string grpc_answer(char status) {
  return grpc_frame(4, 0, "") + grpc_frame(1, 4, "\x88") + grpc_frame(0, 0, std::string("\0\0\0\0\2\x08", 6) + status) +
         grpc_frame(1, 5, "\x88");
}

class DialTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ::signal(SIGPIPE, SIG_IGN); }  // SSL_write of the server below.

  /// "ok", or why not.
  std::string attempt_at(std::uint16_t port, Value handler, Duration timeout = std::chrono::seconds(5)) {
    Loop loop;
    Reaper reaper(loop);
    Runtime runtime(loop, reaper, "/nowhere");
    handler.mutable_members()[0].value.set("port", port);
    const Value container = Value::object();
    std::string out;
    attempt(loop, runtime, handler, {kLoopback, {}, &container}, timeout, [&](const ProbeResult& result) {
      out = result.ok ? "ok" : (result.refused ? "refused: " : "") + result.message;
      loop.stop();
    });
    loop.run();
    return out;
  }

  static Value http_get(const char* scheme) {
    return Value::object({{"httpGet", Value::object({{"path", "/ready"}, {"scheme", scheme}})}});
  }
  static Value tcp() { return Value::object({{"tcpSocket", Value::object()}}); }
  static Value grpc() { return Value::object({{"grpc", Value::object({{"service", "shop"}})}}); }
};

TEST_F(DialTest, HttpGoesByTheStatusCode) {
  for (const auto& [code, expected] : std::map<int, std::string>{{200, "ok"},
                                                                 {302, "ok"},
                                                                 {404, "HTTP probe failed with statuscode: 404"},
                                                                 {500, "HTTP probe failed with statuscode: 500"}}) {
    const Server plain(http(code));
    EXPECT_EQ(attempt_at(plain.port(), http_get("HTTP")), expected);
    const Server secure(https(code));
    EXPECT_EQ(attempt_at(secure.port(), http_get("HTTPS")), expected);
  }
}

TEST_F(DialTest, HttpsAtAPlainServerFails) {
  const Server plain([](int fd) {
    char buffer[1024];
    if (::recv(fd, buffer, sizeof buffer, 0) > 0) ::send(fd, "HTTP/1.1 400 X\r\n\r\n", 18, MSG_NOSIGNAL);
  });
  EXPECT_EQ(
      attempt_at(plain.port(), http_get("HTTPS")),
      fmt::format("Get \"https://127.0.0.1:{}/ready\": remote error: not a TLS server, or none that can be talked to",
                  plain.port()));
}

TEST_F(DialTest, NobodyThereIsRefusedAndSilenceTimesOut) {
  std::uint16_t port = 0;
  {
    const Server gone(nullptr);
    port = gone.port();
  }
  EXPECT_EQ(attempt_at(port, tcp()), fmt::format("refused: dial tcp 127.0.0.1:{}: connect: connection refused", port));
  const Server silent(nullptr);
  EXPECT_EQ(attempt_at(silent.port(), tcp()), "ok");
  for (const Value& handler : {http_get("HTTP"), http_get("HTTPS"), grpc()}) {
    EXPECT_NE(attempt_at(silent.port(), handler, std::chrono::milliseconds(500)).find("deadline exceeded"),
              std::string::npos);
  }
}

TEST_F(DialTest, GrpcGoesByTheServingStatus) {
  for (const auto& [status, expected] :
       std::map<char, std::string>{{'\1', "ok"},
                                   {'\2', "service unhealthy (responded with \"NOT_SERVING\")"},
                                   {'\3', "service unhealthy (responded with \"SERVICE_UNKNOWN\")"}}) {
    std::string request;
    {
      const Server server([&request, answer = grpc_answer(status)](int fd) {
        char buffer[1024];
        const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
        request.assign(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        // In two parts, as networks do.
        ::send(fd, answer.data(), 20, MSG_NOSIGNAL);
        ::send(fd, answer.data() + 20, answer.size() - 20, MSG_NOSIGNAL);
        ::recv(fd, buffer, sizeof buffer, 0);
      });
      EXPECT_EQ(attempt_at(server.port(), grpc()), expected);
    }
    EXPECT_TRUE(request.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    EXPECT_NE(request.find("/grpc.health.v1.Health/Check"), std::string::npos);
    EXPECT_TRUE(request.ends_with(std::string("\0\0\0\0\6\x0a\4shop", 11)));
  }
}

TEST_F(DialTest, WhatIsNoHealthServiceFails) {
  EXPECT_NE(judge_grpc_health(grpc_frame(1, 5, "\x88"), false)->message.find("no grpc.health.v1.Health"),
            std::string::npos);
  EXPECT_FALSE(judge_grpc_health(grpc_frame(7, 0, ""), false)->ok) << "GOAWAY";
  EXPECT_FALSE(judge_grpc_health("HTTP/1.1 400 Bad Request\r\n\r\n", true)->ok);
  EXPECT_FALSE(judge_grpc_health("", true)->ok);
  const std::string answer = grpc_answer('\1');
  for (std::size_t length = 0; length < 30; ++length) {
    EXPECT_FALSE(judge_grpc_health(answer.substr(0, length), false).has_value()) << length;
  }
}

}  // namespace
}  // namespace fairlead::node
