#include "net/http_connection.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

namespace fairlead::net {
namespace {

constexpr std::size_t kSmallRead = 4 * 1024;
constexpr std::size_t kBodyRead = 64 * 1024;
constexpr std::size_t kReadAhead = 64 * 1024;      // Of pipelined requests, while an answer is under way.
constexpr std::size_t kMaxPipelined = 256 * 1024;  // Answers that wait before the next request is taken up.
constexpr std::size_t kKeptBuffer = 256 * 1024;    // Larger write buffers are given back.
constexpr std::size_t kMaxDiscarded =
    16 * 1024 * 1024;  // Of what a refused peer still sends: many write before they read.
constexpr std::chrono::milliseconds kLinger{2'000};

SteadyTime now() { return std::chrono::steady_clock::now(); }

void count(std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

Connection::Connection(ServerContext& context)
    : context_(context), parser_(HttpParser::Kind::kRequest, context.limits.parser) {}

void Connection::handshaking() { deadline_ = now() + context_.limits.handshake; }

void Connection::opened(Peer peer) {
  peer_ = std::move(peer);
  phase_ = Phase::kOpen;
  deadline_ = now() + context_.limits.header;
  if (context_.draining) closing_ = true;
  flush();
  want_read();
}

std::span<char> Connection::input_space() {
  if (begin_ == end_) begin_ = end_ = 0;
  const std::size_t wanted = parser_.state() == HttpParser::State::kBody ? kBodyRead : kSmallRead;
  if (input_.size() - end_ < wanted / 2 && begin_ > 0) {
    std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (input_.size() - end_ < wanted / 2) input_.resize(end_ + wanted);
  return std::span(input_).subspan(end_);
}

void Connection::want_read() {
  if (reading_ || peer_ended_ || (phase_ != Phase::kOpen && phase_ != Phase::kLingering)) return;
  // The parser bounds a request that is being read; only requests sent ahead need a bound here.
  const bool ahead = exchange_ != nullptr || !in_flight_.empty();
  if (ahead && end_ - begin_ >= kReadAhead) return;
  reading_ = true;
  read_some(input_space());
}

void Connection::received(std::size_t bytes) {
  reading_ = false;
  if (phase_ == Phase::kClosed) return;
  if (phase_ == Phase::kLingering) {
    discarded_ += bytes;
    if (discarded_ > kMaxDiscarded) return cut();
    return want_read();
  }
  end_ += bytes;
  process();
}

void Connection::received_end() {
  reading_ = false;
  peer_ended_ = true;
  if (phase_ == Phase::kClosed) return;
  if (phase_ != Phase::kOpen) return cut();
  // Who only closed its sending side still gets an answer that will end by itself. A stream would never learn that its
  // reader has left, so it ends here; and TLS knows no half-closed connections.
  if (exchange_ && (peer_.tls || exchange_->streaming())) return cut();
  process();
}

void Connection::failed() {
  reading_ = false;
  cut();
}

void Connection::woken() {
  if (phase_ != Phase::kOpen || !exchange_) return;
  collect();
  process();
}

void Connection::process() {
  while (phase_ == Phase::kOpen && !closing_ && !exchange_ && begin_ < end_ && output_.size() < kMaxPipelined) {
    if (!parse_step()) break;
  }
  if (phase_ != Phase::kOpen) return;
  if (peer_ended_ && !exchange_ && output_.size() < kMaxPipelined) closing_ = true;  // What is left is half a request.
  flush();
  want_read();
}

bool Connection::parse_step() {
  if (!request_begun_) {
    request_begun_ = true;
    body_begun_ = false;
    deadline_ = now() + context_.limits.header;
  }
  begin_ += parser_.consume({input_.data() + begin_, end_ - begin_});
  if (parser_.failed()) {
    refuse(parser_.error());
    return false;
  }
  if (parser_.complete()) {
    handle();
    return true;
  }
  if (parser_.head_complete() && !body_begun_) {
    body_begun_ = true;
    if (!wants_body()) {
      handle();
      return false;
    }
    deadline_ = now() + context_.limits.body;
    if (parser_.expects_continue() && begin_ == end_) output_.append("HTTP/1.1 100 Continue\r\n\r\n");
  }
  return false;
}

bool Connection::wants_body() {
  if (!context_.reads_body) return true;
  Request& head = parser_.request();
  head.peer = peer_;
  return context_.reads_body(head);
}

/// Of a request that is complete, or whose body is not wanted: then what follows its head is nobody's to read, least of
/// all as a next request.
void Connection::handle() {
  const bool whole = parser_.complete();
  Request request = std::move(parser_.request());
  if (!whole) request.body.clear();
  request.peer = peer_;
  ++requests_;
  count(context_.counters.requests);
  const bool keep =
      whole && parser_.keep_alive() && !context_.draining && requests_ < context_.limits.requests_per_connection;
  exchange_ = std::make_shared<Exchange>(weak_from_this(), Exchange::Setting{.head_only = request.method == "HEAD",
                                                                             .keep_alive = keep,
                                                                             .chunked = request.minor == 1,
                                                                             .full = context_.limits.stream_full,
                                                                             .buffer = context_.limits.stream_buffer});
  parser_.reset();
  request_begun_ = false;
  exchange_->hold();
  try {
    context_.handler(std::move(request), ResponseWriter(exchange_));
  } catch (const std::exception&) {
    exchange_->abandon();
  }
  collect();
}

void Connection::collect() {
  const auto kept = exchange_;  // A callback may end the connection.
  const auto state = kept->collect(output_, in_flight_.empty());
  if (phase_ != Phase::kOpen || exchange_ != kept) return;
  if (state.aborted) {
    if (state.slow) count(context_.counters.slow_readers);
    return cut();
  }
  if (state.ended) {
    exchange_.reset();
    deadline_ = now() + context_.limits.idle;
    if (state.close || context_.draining) closing_ = true;
  } else if (peer_ended_ && kept->streaming()) {
    cut();
  }
}

void Connection::refuse(const ParseError& error) {
  count(context_.counters.bad_requests);
  Exchange exchange({}, {.keep_alive = false});
  if (context_.refusal) {
    exchange.send(context_.refusal(error));
  } else {
    exchange.send({.status = error.status, .headers = {{"content-type", "text/plain"}}, .body = error.message + "\n"});
  }
  exchange.collect(output_, false);
  request_begun_ = false;
  closing_ = true;
}

void Connection::flush() {
  if (phase_ != Phase::kOpen || !in_flight_.empty()) return;
  if (output_.empty()) {
    if (closing_ && !exchange_) finish();
    return;
  }
  in_flight_.swap(output_);
  written_ = 0;
  write_deadline_ = now() + context_.limits.write;
  write_some(in_flight_);
}

void Connection::sent(std::size_t bytes) {
  if (phase_ == Phase::kClosed) return;
  written_ += bytes;
  const bool rest = written_ < in_flight_.size();
  if (exchange_) exchange_->set_unsent(in_flight_.size() - written_ + output_.size());
  if (rest) {
    write_deadline_ = now() + context_.limits.write;
    return write_some(std::string_view(in_flight_).substr(written_));
  }
  if (in_flight_.capacity() > kKeptBuffer) in_flight_ = {};
  in_flight_.clear();
  if (exchange_) collect();
  process();
}

void Connection::finish() {
  if (peer_ended_) return cut();
  // Closing with unread bytes would reset the connection and could destroy the answer on its way.
  phase_ = Phase::kLingering;
  deadline_ = now() + kLinger;
  begin_ = end_ = 0;
  shut_down_sending();
  want_read();
}

void Connection::check(SteadyTime time) {
  if (phase_ == Phase::kClosed) return;
  if (!in_flight_.empty() && time > write_deadline_) {
    count(context_.counters.slow_readers);
    return cut();
  }
  if (exchange_ || time <= deadline_ || closing_) {
    if (phase_ == Phase::kLingering && time > deadline_) cut();
    return;
  }
  if (phase_ == Phase::kHandshake) {
    count(context_.counters.failed_handshakes);
    return cut();
  }
  if (request_begun_) {
    refuse({408, body_begun_ ? "the body took too long to arrive" : "the header took too long to arrive"});
  }
  closing_ = true;
  flush();
}

void Connection::drain() {
  if (phase_ == Phase::kHandshake) return cut();
  if (phase_ != Phase::kOpen) return;
  if (exchange_) return exchange_->forbid_keep_alive();
  if (request_begun_) return;  // It gets its answer; `handle` says Connection: close.
  closing_ = true;
  flush();
}

void Connection::cut() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  const auto self = shared_from_this();
  if (const auto exchange = std::exchange(exchange_, nullptr)) exchange->sever();
  close_transport();
}

}  // namespace fairlead::net
