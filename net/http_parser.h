// A strict, incremental HTTP/1.1 parser for both directions. Sans I/O: bytes in, one message out.
//
// Strict means that whatever two parsers could read differently is refused (RFC 9112): bare LF, obs-fold, space before
// the colon, Content-Length beside Transfer-Encoding, lengths that differ, any coding but "chunked", chunk extensions
// with control characters, a request without exactly one Host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace fairlead::net {

struct ParserLimits {
  std::size_t head_bytes = 64 * 1024;  ///< Start line and header fields together.
  std::size_t header_fields = 128;
  std::size_t body_bytes = 8 * 1024 * 1024;  ///< After chunk decoding.
};
inline constexpr std::size_t kMaxChunkLine = 1024;         ///< Size, extensions and CRLF of one chunk.
inline constexpr std::size_t kMaxTrailerBytes = 8 * 1024;  ///< Trailers are checked and dropped.

/// Why a message was refused: the status a server answers with, and one sentence.
struct ParseError {
  int status = 400;
  std::string message;
};

class HttpParser {
 public:
  enum class Kind { kRequest, kResponse };
  enum class State { kHead, kBody, kComplete, kError };

  explicit HttpParser(Kind kind, ParserLimits limits = {}) : kind_(kind), limits_(limits) {}

  /// Looks at `bytes`, everything received and not yet consumed, and returns how many of them it took. What it leaves
  /// must come again with more behind it. Takes nothing beyond the end of the message.
  std::size_t consume(std::string_view bytes);
  /// The connection ended. Completes a response whose body runs until then; an error in the middle of anything else.
  void finish();
  /// Ready for the next message on the same connection.
  void reset();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool complete() const { return state_ == State::kComplete; }
  [[nodiscard]] bool failed() const { return state_ == State::kError; }
  [[nodiscard]] bool head_complete() const { return state_ == State::kBody || state_ == State::kComplete; }
  [[nodiscard]] const ParseError& error() const { return error_; }
  /// The connection may carry another message after this one. Known once the head is complete.
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  /// The head is complete, a body is announced, and the client waits for "100 Continue" before it sends it.
  [[nodiscard]] bool expects_continue() const { return expects_continue_ && state_ == State::kBody; }

  /// For responses: the request was HEAD, so there is no body whatever the headers say.
  void set_head_request(bool head) { head_request_ = head; }

  /// Of a request: method, target, minor, headers, body. Move out of it once complete.
  [[nodiscard]] Request& request() { return request_; }
  /// Of a response.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] Headers& headers() { return request_.headers; }
  /// The body so far. A reader of streams may take it away piece by piece; limits count what was taken too.
  [[nodiscard]] std::string& body() { return request_.body; }

 private:
  enum class Framing { kNone, kLength, kChunked, kUntilEnd };
  enum class Chunk { kSize, kData, kDataEnd, kTrailers };

  std::size_t consume_head(std::string_view bytes);
  std::size_t consume_body(std::string_view bytes);
  std::size_t consume_chunked(std::string_view bytes);
  std::size_t consume_chunk_size(std::string_view bytes);
  std::size_t consume_trailers(std::string_view bytes);
  void parse_head(std::string_view head);
  bool parse_request_line(std::string_view line);
  bool parse_target(std::string_view target);
  bool parse_status_line(std::string_view line);
  bool parse_field(std::string_view line);
  void decide_framing();
  void decide_request_framing(bool chunked);
  bool read_content_length(bool& present);
  bool read_transfer_encoding(bool& chunked);
  bool append_body(std::string_view bytes);
  void fail(int status, std::string message);

  Kind kind_;
  ParserLimits limits_;
  State state_ = State::kHead;
  Framing framing_ = Framing::kNone;
  Chunk chunk_ = Chunk::kSize;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
  bool head_request_ = false;
  int status_ = 0;
  std::size_t scanned_ = 0;      // Of the head: bytes that were already searched for line ends.
  std::size_t line_start_ = 0;   // Of the head: where the line begins that `scanned_` lies in.
  std::size_t empty_lines_ = 0;  // Bytes of empty lines before the start line.
  std::uint64_t remaining_ = 0;  // Of the body or of the chunk.
  std::uint64_t body_total_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::string authority_;  // Of a target in absolute form: it takes the place of Host.
  Request request_;
  ParseError error_;
};

}  // namespace fairlead::net
