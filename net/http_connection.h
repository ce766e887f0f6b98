// The server's side of one connection: requests in, answers out, time limits. Knows no sockets: a transport derives
// from it. Inside net/ only; everything runs on the connection's own thread except `wake`.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_exchange.h"
#include "net/http_parser.h"
#include "net/http_server.h"

namespace fairlead::net {

using SteadyTime = std::chrono::steady_clock::time_point;

struct ServerCounters {
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> bad_requests{0};
  std::atomic<std::uint64_t> slow_readers{0};
  std::atomic<std::uint64_t> failed_handshakes{0};
};

/// What all connections of a server share. Outlives them.
struct ServerContext {
  Handler handler;
  BodyFilter reads_body;
  Refusal refusal;
  ServerLimits limits;
  ServerCounters counters;
  std::atomic<bool> draining{false};
};

class Connection : public ExchangeOwner, public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(ServerContext& context);

  /// The time limits; called a few times a second.
  void check(SteadyTime now);
  /// No further requests: closes now when idle, else after the answer under way.
  void drain();
  /// Ends everything at once.
  void cut();

 protected:
  // What the transport tells.
  void handshaking();
  void opened(Peer peer);
  void received(std::size_t bytes);  ///< So many stand in `input_space` now.
  void received_end();
  void sent(std::size_t bytes);
  void failed();  ///< A read or a write.
  void woken();   ///< Some time after `wake`.

  // What the transport does. Reads and writes are at most one at a time each.
  virtual void read_some(std::span<char> into) = 0;
  virtual void write_some(std::string_view bytes) = 0;
  virtual void shut_down_sending() = 0;
  virtual void close_transport() = 0;

 private:
  enum class Phase { kHandshake, kOpen, kLingering, kClosed };

  void process();
  bool parse_step();
  void handle();
  [[nodiscard]] bool wants_body();
  void collect();
  void refuse(const ParseError& error);
  void flush();
  void finish();
  void want_read();
  [[nodiscard]] std::span<char> input_space();

  ServerContext& context_;
  HttpParser parser_;
  Peer peer_;
  std::shared_ptr<Exchange> exchange_;
  std::vector<char> input_;
  std::size_t begin_ = 0;  // Received and not consumed: [begin_, end_).
  std::size_t end_ = 0;
  std::string output_;     // Waits for the write under way.
  std::string in_flight_;  // The write under way.
  std::size_t written_ = 0;
  std::size_t requests_ = 0;
  std::size_t discarded_ = 0;
  SteadyTime deadline_;
  SteadyTime write_deadline_;
  Phase phase_ = Phase::kHandshake;
  bool reading_ = false;
  bool request_begun_ = false;
  bool body_begun_ = false;
  bool peer_ended_ = false;
  bool closing_ = false;  // Close once everything has gone out.
};

}  // namespace fairlead::net
