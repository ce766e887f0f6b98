#include "net/http_parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/trim.h"

namespace fairlead::net {
namespace {

constexpr std::size_t kReserveAtOnce = 1024 * 1024;  // An announced length is a claim, not yet bytes.

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_target(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f && byte != '#';
  });
}

bool is_host(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f && std::string_view("/?#@\\,\"<>").find(c) == std::string_view::npos;
  });
}

}  // namespace

void HttpParser::fail(int status, std::string message) {
  state_ = State::kError;
  keep_alive_ = false;
  error_ = {status, std::move(message)};
}

void HttpParser::reset() {
  const Kind kind = kind_;
  const ParserLimits limits = limits_;
  *this = HttpParser(kind, limits);
}

std::size_t HttpParser::consume(std::string_view bytes) {
  std::size_t taken = 0;
  if (state_ == State::kHead) taken = consume_head(bytes);
  if (state_ == State::kBody) taken += consume_body(bytes.substr(taken));
  return taken;
}

std::size_t HttpParser::consume_head(std::string_view bytes) {
  for (;;) {
    const auto end = bytes.find('\n', scanned_);
    if (end == std::string_view::npos) {
      scanned_ = bytes.size();
      if (bytes.size() > limits_.head_bytes) {
        fail(431, fmt::format("the header is longer than {} bytes", limits_.head_bytes));
      }
      return 0;
    }
    if (end == line_start_ || bytes[end - 1] != '\r') {
      fail(400, "a line ends with LF alone");
      return 0;
    }
    const bool empty = end - line_start_ == 1;
    line_start_ = scanned_ = end + 1;
    if (scanned_ > limits_.head_bytes) {
      fail(431, fmt::format("the header is longer than {} bytes", limits_.head_bytes));
      return 0;
    }
    if (!empty) continue;
    if (end == empty_lines_ + 1 && kind_ == Kind::kRequest) {  // RFC 9112 2.2: empty lines before a request.
      empty_lines_ = end + 1;
      if (empty_lines_ > 4) fail(400, "too many empty lines before the request line");
      if (failed()) return 0;
      continue;
    }
    parse_head(bytes.substr(empty_lines_, end + 1 - empty_lines_));
    return end + 1;
  }
}

void HttpParser::parse_head(std::string_view head) {
  bool first = true;
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    if (end == std::string_view::npos) return fail(400, "the header has a lone CR");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (first) {
      if (!(kind_ == Kind::kRequest ? parse_request_line(line) : parse_status_line(line))) return;
      first = false;
    } else if (!line.empty() && !parse_field(line)) {
      return;
    }
  }
  if (first) return fail(400, "there is no start line");
  decide_framing();
}

bool HttpParser::parse_request_line(std::string_view line) {
  const auto space = line.find(' ');
  const auto last = line.rfind(' ');
  if (space == std::string_view::npos || last == space) {
    fail(400, "the request line is not \"method target version\"");
    return false;
  }
  const std::string_view method = line.substr(0, space);
  const std::string_view target = line.substr(space + 1, last - space - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return fail(400, "the method is not a token"), false;
  if (!is_target(target)) return fail(400, "the request target holds a character that it may not"), false;
  request_.method.assign(method);
  if (!parse_target(target)) return false;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (version.starts_with("HTTP/") && version.size() == 8) return fail(505, "only HTTP/1.1 is spoken here"), false;
    return fail(400, "the request line does not end with a version"), false;
  }
  request_.minor = version.back() - '0';
  return true;
}

/// Origin form, "*" for OPTIONS, or absolute form, which RFC 9112 3.2.2 has every server accept.
bool HttpParser::parse_target(std::string_view target) {
  if (target.front() == '/' || (target == "*" && request_.method == "OPTIONS")) {
    request_.target.assign(target);
    return true;
  }
  constexpr std::string_view kAfterScheme = "://";
  const auto scheme = std::min(target.find(kAfterScheme), target.size());
  if (!equal_ignoring_case(target.substr(0, scheme), "http") &&
      !equal_ignoring_case(target.substr(0, scheme), "https")) {
    return fail(400, "the request target does not begin with '/', http:// or https://"), false;
  }
  target.remove_prefix(std::min(scheme + kAfterScheme.size(), target.size()));
  const auto end = std::min(target.find_first_of("/?"), target.size());
  authority_.assign(target.substr(0, end));
  if (authority_.empty() || !is_host(authority_)) return fail(400, "the request target names no host"), false;
  target.remove_prefix(end);
  request_.target.assign(target.starts_with('/') ? "" : "/").append(target);
  return true;
}

bool HttpParser::parse_status_line(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
      !all_digits(line.substr(9, 3)) || (line.size() > 12 && line[12] != ' ') || !is_field_value(line)) {
    return fail(502, "the status line is not \"HTTP/1.1 code reason\""), false;
  }
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  request_.minor = line[7] - '0';
  if (status_ < 100) return fail(502, "the status code is below 100"), false;
  return true;
}

bool HttpParser::parse_field(std::string_view line) {
  if (request_.headers.size() >= limits_.header_fields) {
    return fail(431, fmt::format("there are more than {} header fields", limits_.header_fields)), false;
  }
  if (line.front() == ' ' || line.front() == '\t') return fail(400, "a header field is folded over two lines"), false;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return fail(400, "a header field has no colon"), false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_token(name)) return fail(400, "a header field's name is not a token"), false;
  if (!is_field_value(value)) return fail(400, "a header field's value holds a control character"), false;
  request_.headers.add(name, value);
  return true;
}

bool HttpParser::read_content_length(bool& present) {
  for (const auto [name, value] : request_.headers) {
    if (!equal_ignoring_case(name, "content-length")) continue;
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (!all_digits(value) || error != std::errc{}) return fail(400, "Content-Length is not a number"), false;
    if (present) return fail(400, "Content-Length is given more than once"), false;
    present = true;
    remaining_ = length;
  }
  return true;
}

bool HttpParser::read_transfer_encoding(bool& chunked) {
  for (const auto [name, value] : request_.headers) {
    if (!equal_ignoring_case(name, "transfer-encoding")) continue;
    if (request_.minor == 0) return fail(400, "Transfer-Encoding in an HTTP/1.0 message"), false;
    if (chunked) return fail(400, "Transfer-Encoding is given more than once"), false;
    if (!equal_ignoring_case(value, "chunked")) {
      return fail(501, "the only Transfer-Encoding understood here is \"chunked\""), false;
    }
    chunked = true;
  }
  return true;
}

void HttpParser::decide_request_framing(bool chunked) {
  std::size_t hosts = 0;
  for (const auto [name, value] : request_.headers) {
    if (!equal_ignoring_case(name, "host")) continue;
    ++hosts;
    if (!is_host(value)) return fail(400, "Host is not a host name");
  }
  if (hosts > 1) return fail(400, "Host is given more than once");
  if (hosts == 0 && request_.minor == 1) return fail(400, "there is no Host header");
  if (!authority_.empty()) request_.headers.set("host", authority_);
  framing_ = chunked ? Framing::kChunked : remaining_ > 0 ? Framing::kLength : Framing::kNone;
  if (const auto expect = request_.headers.find("expect")) {
    if (!equal_ignoring_case(*expect, "100-continue")) return fail(417, "the only expectation met is \"100-continue\"");
    expects_continue_ = request_.minor == 1 && framing_ != Framing::kNone;
  }
}

void HttpParser::decide_framing() {
  bool has_length = false;
  bool chunked = false;
  if (!read_content_length(has_length) || !read_transfer_encoding(chunked)) return;
  if (has_length && chunked) return fail(400, "Content-Length and Transfer-Encoding exclude each other");
  keep_alive_ = request_.minor == 1 ? !request_.headers.contains("connection", "close")
                                    : request_.headers.contains("connection", "keep-alive");
  if (kind_ == Kind::kRequest) {
    decide_request_framing(chunked);
    if (failed()) return;
  } else if (head_request_ || status_without_body(status_)) {
    framing_ = Framing::kNone;
  } else {
    framing_ = chunked          ? Framing::kChunked
               : !has_length    ? Framing::kUntilEnd
               : remaining_ > 0 ? Framing::kLength
                                : Framing::kNone;
    if (framing_ == Framing::kUntilEnd) keep_alive_ = false;
  }
  if (framing_ == Framing::kLength) {
    if (remaining_ > limits_.body_bytes) {
      return fail(413, fmt::format("the body is larger than {} bytes", limits_.body_bytes));
    }
    request_.body.reserve(std::min<std::size_t>(remaining_, kReserveAtOnce));
  }
  state_ = framing_ == Framing::kNone ? State::kComplete : State::kBody;
}

bool HttpParser::append_body(std::string_view bytes) {
  body_total_ += bytes.size();
  if (body_total_ > limits_.body_bytes) {
    return fail(413, fmt::format("the body is larger than {} bytes", limits_.body_bytes)), false;
  }
  request_.body.append(bytes);
  return true;
}

std::size_t HttpParser::consume_body(std::string_view bytes) {
  if (framing_ == Framing::kChunked) return consume_chunked(bytes);
  if (framing_ == Framing::kUntilEnd) return append_body(bytes) ? bytes.size() : 0;
  const std::string_view part = bytes.substr(0, std::min<std::uint64_t>(remaining_, bytes.size()));
  if (!append_body(part)) return 0;
  remaining_ -= part.size();
  if (remaining_ == 0) state_ = State::kComplete;
  return part.size();
}

std::size_t HttpParser::consume_chunked(std::string_view bytes) {
  std::size_t taken = 0;
  while (state_ == State::kBody) {
    const std::string_view rest = bytes.substr(taken);
    std::size_t step = 0;
    switch (chunk_) {
      case Chunk::kSize:
        step = consume_chunk_size(rest);
        break;
      case Chunk::kData: {
        const std::string_view part = rest.substr(0, std::min<std::uint64_t>(remaining_, rest.size()));
        if (!append_body(part)) return taken;
        remaining_ -= part.size();
        step = part.size();
        if (remaining_ == 0) chunk_ = Chunk::kDataEnd;
        break;
      }
      case Chunk::kDataEnd:
        if (rest.size() >= 1 && rest[0] != '\r') return fail(400, "a chunk is longer than its size says"), taken;
        if (rest.size() >= 2) {
          if (rest[1] != '\n') return fail(400, "a chunk does not end with CRLF"), taken;
          chunk_ = Chunk::kSize;
          step = 2;
        }
        break;
      case Chunk::kTrailers:
        step = consume_trailers(rest);
        break;
    }
    taken += step;
    if (step == 0) break;
  }
  return taken;
}

std::size_t HttpParser::consume_chunk_size(std::string_view bytes) {
  const auto end = bytes.find('\n');
  if (end == std::string_view::npos) {
    if (bytes.size() > kMaxChunkLine) fail(400, "a chunk's size line is too long");
    return 0;
  }
  if (end == 0 || bytes[end - 1] != '\r') return fail(400, "a chunk's size line ends with LF alone"), 0;
  if (end > kMaxChunkLine) return fail(400, "a chunk's size line is too long"), 0;
  const std::string_view line = bytes.substr(0, end - 1);
  const std::string_view digits = line.substr(0, line.find_first_of("; \t"));
  const std::string_view extension = line.substr(digits.size());
  std::uint64_t size = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  // from_chars takes a sign and no prefix; a size is hexadecimal digits alone.
  if (digits.empty() || digits.front() == '-' || stop != digits.data() + digits.size() || error != std::errc{}) {
    return fail(400, "a chunk's size is not a hexadecimal number"), 0;
  }
  if (!is_field_value(extension) || (!extension.empty() && trimmed(extension).substr(0, 1) != ";")) {
    return fail(400, "a chunk's extension is malformed"), 0;
  }
  if (size > limits_.body_bytes) {
    return fail(413, fmt::format("the body is larger than {} bytes", limits_.body_bytes)), 0;
  }
  remaining_ = size;
  chunk_ = size == 0 ? Chunk::kTrailers : Chunk::kData;
  return end + 1;
}

std::size_t HttpParser::consume_trailers(std::string_view bytes) {
  const auto end = bytes.find('\n');
  if (end == std::string_view::npos) {
    if (trailer_bytes_ + bytes.size() > kMaxTrailerBytes) fail(431, "the trailers are too long");
    return 0;
  }
  if (end == 0 || bytes[end - 1] != '\r') return fail(400, "a trailer line ends with LF alone"), 0;
  trailer_bytes_ += end + 1;
  if (trailer_bytes_ > kMaxTrailerBytes) return fail(431, "the trailers are too long"), 0;
  const std::string_view line = bytes.substr(0, end - 1);
  if (line.empty()) {
    state_ = State::kComplete;
    return end + 1;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) || !is_field_value(line)) {
    return fail(400, "a trailer field is malformed"), 0;
  }
  return end + 1;
}

void HttpParser::finish() {
  if (state_ == State::kComplete || state_ == State::kError) return;
  if (state_ == State::kBody && framing_ == Framing::kUntilEnd) {
    state_ = State::kComplete;
    return;
  }
  fail(400, "the connection ended in the middle of a message");
}

}  // namespace fairlead::net
