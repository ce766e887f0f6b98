// An asynchronous HTTP/1.1 server, plain or TLS.
//
//   auto server = net::HttpServer::start({.port = 8080}, [](net::Request request, net::ResponseWriter response) {
//     response.send({.status = 200, .headers = {{"content-type", "text/plain"}}, .body = "hello\n"});
//   });
//
// The handler runs on one of the server's threads and must not block there: it answers at once, or keeps the writer and
// answers later from any thread. Requests of one connection are handled one after the other, in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_message.h"
#include "net/http_parser.h"
#include "net/tls.h"

namespace fairlead::net {

class Exchange;

/// What `ResponseWriter::write` found.
enum class Written {
  kOk,
  kFull,    ///< Taken, but the peer reads slower than we write: wait for `on_drained` before the next one.
  kClosed,  ///< Not taken: the peer is gone, was cut off as too slow, or the response has ended.
};

/// The answer to one request. Copies stand for the same answer. Every member may be called from any thread. When the
/// last copy goes without an answer the peer gets 500; without an end, its connection is cut.
class ResponseWriter {
 public:
  ResponseWriter() = default;
  explicit ResponseWriter(std::shared_ptr<Exchange> exchange);

  /// The whole answer at once. Sets Content-Length, Date and, when the connection will close, Connection.
  void send(const Response& response) const;
  /// Begins a streamed answer: chunked, or ended by closing for HTTP/1.0 peers. At most one of `send` and `start`; a
  /// second is ignored.
  void start(int status, const Headers& headers) const;
  /// Sends a piece, soon: what several calls in a row give is sent together.
  Written write(std::string_view chunk) const;
  void end() const;
  /// Cuts the connection, so that the peer sees that the answer is not whole.
  void abort() const;

  /// Called once when the connection is lost before `end`, at once when it already is; on the server's thread or this
  /// one.
  void on_closed(std::move_only_function<void()> callback) const;
  /// Called once, when everything written so far has gone out. For producers that met kFull.
  void on_drained(std::move_only_function<void()> callback) const;
  [[nodiscard]] bool closed() const;
  /// Bytes taken that the peer's socket has not.
  [[nodiscard]] std::size_t buffered() const;
  [[nodiscard]] explicit operator bool() const { return exchange_ != nullptr; }

 private:
  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<void> lease_;  // Its end is the end of the last copy.
};

using Handler = std::function<void(Request request, ResponseWriter response)>;

struct ServerLimits {
  ParserLimits parser{};
  std::size_t connections = 4096;  ///< Over it, new ones get 503 and are closed.
  std::size_t requests_per_connection = 1'000'000;
  std::size_t stream_full = 256 * 1024;         ///< Unsent bytes of a stream from which `write` says kFull.
  std::size_t stream_buffer = 8 * 1024 * 1024;  ///< Unsent bytes of a stream at which a slow reader is cut off.
  std::chrono::milliseconds handshake{10'000};  ///< TLS.
  std::chrono::milliseconds header{10'000};     ///< From a request's first byte to the end of its header.
  std::chrono::milliseconds body{60'000};       ///< From there to its last byte.
  std::chrono::milliseconds idle{75'000};       ///< Between requests.
  std::chrono::milliseconds write{30'000};      ///< Without the peer taking a single byte of what waits for it.
};

/// Asked on a server's thread once the head of a request (and its peer) is known but its body has not wholly arrived:
/// whether that is to be read. When not, the handler gets the request as it is, without the body, and the connection
/// closes after the answer. Such a request must not be taken for one whose body is empty.
using BodyFilter = std::function<bool(const Request& head)>;

/// Words the answer to a request that the parser or a time limit refuses, on a server's thread; `why` names its status.
using Refusal = std::function<Response(const ParseError& why)>;

struct ServerOptions {
  std::string address = "127.0.0.1";  ///< IPv4 or IPv6, numeric.
  std::uint16_t port = 0;             ///< 0: the kernel chooses; see `HttpServer::port`.
  int listen_fd = -1;                 ///< Instead: a socket that listens already. Owned by the server from then on.
  unsigned threads = 1;
  std::optional<TlsServerOptions> tls{};
  ServerLimits limits{};
  BodyFilter reads_body{};  ///< None: every body is read.
  Refusal refusal{};        ///< None: the sentence as text.
};

struct ServerStats {
  std::uint64_t connections = 0;  ///< Open now.
  std::uint64_t accepted = 0;     ///< Since the start.
  std::uint64_t refused = 0;      ///< For the limit on connections.
  std::uint64_t requests = 0;
  std::uint64_t bad_requests = 0;  ///< Refused by the parser or by a time limit.
  std::uint64_t slow_readers = 0;  ///< Cut off.
  std::uint64_t failed_handshakes = 0;
};

/// Start, drain and stop from one thread that is not the server's own.
class HttpServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(ServerOptions options, Handler handler);
  /// Cuts what is still open and waits for the threads. Writers that outlive the server find themselves closed.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] ServerStats stats() const;
  /// Accepts no more connections, closes idle ones, lets running requests end (their answers say Connection: close),
  /// and cuts what is left after `grace`. Returns true when nothing had to be cut.
  bool drain(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::net
