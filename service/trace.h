// What travels with a request through services: its id, its trace (W3C Trace Context) and the time that is left for it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace fairlead::service {

/// Milliseconds that the caller still waits. Relative, so that clocks need not agree.
inline constexpr std::string_view kTimeoutHeader = "x-request-timeout-ms";
inline constexpr std::string_view kRequestIdHeader = "x-request-id";
inline constexpr std::size_t kMaxRequestId = 128;

struct TraceParent {
  std::string trace_id;  ///< 32 hex digits, not all zero.
  std::string span_id;   ///< 16 hex digits, not all zero.
  bool sampled = true;

  /// "00-<trace>-<span>-<flags>"; nothing for anything malformed, which means: start a new trace.
  [[nodiscard]] static std::optional<TraceParent> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

/// One request's context inside this service.
struct RequestContext {
  std::string request_id;
  TraceParent trace;  ///< span_id is this service's own span.
  std::chrono::steady_clock::time_point deadline;

  /// From what came in. The deadline is the nearer of `limit` from now and what the caller still waits.
  [[nodiscard]] static RequestContext from(const net::Headers& headers, std::chrono::milliseconds limit);
  /// At least zero.
  [[nodiscard]] std::chrono::milliseconds remaining() const;
  /// Sets request id, traceparent and remaining time on a request to another service.
  void pass_on(net::Headers& headers) const;
};

/// `digits` random lower-case hex digits, never all zero.
[[nodiscard]] std::string random_hex(std::size_t digits);

}  // namespace fairlead::service
