// An HTTP/1.1 client: asynchronous with a pool of kept connections, and a blocking call for simple uses.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_message.h"
#include "net/tls.h"

namespace fairlead::net {

/// "http://host:8080/path?query" in its parts.
struct Url {
  bool tls = false;
  std::string host{};  ///< A name or an IP address, IPv6 without brackets.
  std::uint16_t port = 80;
  std::string target = "/";  ///< Path and query.

  /// http and https only; no user information, no fragment.
  [[nodiscard]] static Result<Url> parse(std::string_view text);
  /// What a Host header says: the port only where it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
};

struct ClientRequest {
  std::string method = "GET";
  Url url;
  Headers headers{};  ///< Host and Content-Length are set from the rest unless given.
  std::string body{};
  std::string connect_to{};                   ///< An IP address to connect to instead of looking `url.host` up.
  std::chrono::milliseconds timeout{10'000};  ///< For everything, name lookup to last byte. 0: none (streams).
};

struct ClientError {
  enum class Kind {
    kResolve,  ///< The name has no address.
    kConnect,  ///< Refused or unreachable.
    kTls,      ///< No trust, wrong name.
    kTimeout,
    kClosed,    ///< The server closed before its answer was whole.
    kProtocol,  ///< The answer is not HTTP/1.1.
    kLimit,     ///< A limit of this client: body size, connections.
  };
  Kind kind = Kind::kConnect;
  std::string message;
};
[[nodiscard]] std::string_view to_string(ClientError::Kind kind);

template <class T>
using ClientResult = std::expected<T, ClientError>;

/// Pieces of a streamed answer, on the client's thread; `on_end` once and last.
struct StreamSink {
  std::function<void(int status, const Headers& headers)> on_head;
  std::function<void(std::string_view data)> on_data;
  std::function<void(ClientResult<void> how)> on_end;
};

struct ClientOptions {
  std::optional<TlsClientOptions> tls{};          ///< Needed for https.
  std::size_t max_connections = 1024;             ///< In all; over it calls fail with kLimit.
  std::size_t max_idle = 64;                      ///< Kept per origin.
  std::chrono::milliseconds idle{30'000};         ///< Kept connections are closed after it.
  /// Kept connections are used this long from when they were opened. A Service chooses the pod for each connection, so
  /// what should follow its pods as they come and go has little of it. 0: as long as `idle` allows.
  std::chrono::milliseconds age{0};
  std::size_t max_body_bytes = 32 * 1024 * 1024;  ///< Not for streams.
  std::string resolv_conf = "/etc/resolv.conf";
  std::string hosts = "/etc/hosts";
};

/// Calls may be made from any thread. Owns one thread, where all callbacks run; they must not block there.
/// A request on a kept connection that turns out closed is repeated once on a new one, if its method is idempotent.
class HttpClient {
 public:
  using Done = std::move_only_function<void(ClientResult<Response>)>;

  explicit HttpClient(ClientOptions options = {});
  /// Calls under way end with kClosed.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void send(ClientRequest request, Done done);
  /// Not from a callback.
  [[nodiscard]] ClientResult<Response> fetch(ClientRequest request);
  /// Destroying the result cancels; a sink call that has begun may still be running then. It must not outlive the
  /// client.
  [[nodiscard]] std::shared_ptr<void> stream(ClientRequest request, StreamSink sink);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::net
