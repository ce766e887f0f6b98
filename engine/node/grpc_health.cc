#include "engine/node/grpc_health.h"

#include <cstdint>

#include <fmt/format.h>

namespace fairlead::node {

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view kPath = "/grpc.health.v1.Health/Check";
constexpr std::size_t kFrameHeader = 9;
constexpr std::size_t kMessagePrefix = 5;
constexpr std::size_t kMaxText = 126;  ///< What one byte of length says, in HPACK and in protobuf.
constexpr int kServing = 1;

enum FrameType : std::uint8_t { kData = 0, kHeaders = 1, kResetStream = 3, kSettings = 4, kGoAway = 7 };
constexpr unsigned kEndStream = 1;
constexpr unsigned kEndHeaders = 4;
constexpr unsigned kPadded = 8;

std::string frame(FrameType type, unsigned flags, unsigned stream, std::string_view payload) {
  std::string out;
  for (const unsigned shift : {16U, 8U, 0U}) out += static_cast<char>((payload.size() >> shift) & 255U);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>((stream >> shift) & 255U);
  return out.append(payload);
}

/// HPACK's string without Huffman coding.
std::string text(std::string_view value) {
  value = value.substr(0, kMaxText);
  return static_cast<char>(value.size()) + std::string(value);
}

std::size_t number(std::string_view bytes) {
  std::size_t out = 0;
  for (const char byte : bytes) out = (out << 8U) | static_cast<unsigned char>(byte);
  return out;
}

/// The `status` of a HealthCheckResponse; 0, UNKNOWN, when it is left out.
int status_of(std::string_view message) { return message.size() >= 2 && message[0] == 0x08 ? message[1] : 0; }

ProbeResult verdict(std::string_view message) {
  const int status = status_of(message);
  if (status == kServing) return {true, false, ""};
  const char* word = status == 2 ? "NOT_SERVING" : status == 3 ? "SERVICE_UNKNOWN" : "UNKNOWN";
  return {false, false, fmt::format("service unhealthy (responded with \"{}\")", word)};
}

/// The reference server's answer to a service or a method that it does not have: headers alone.
ProbeResult refused() {
  return {
      false, false,
      "the server has no grpc.health.v1.Health, or its health service does not know the service that was asked for"};
}

}  // namespace

std::string grpc_health_request(std::string_view authority, std::string_view service) {
  // Indexed where RFC 7541's static table holds name and value (:method POST, :scheme http), else literal, not kept.
  std::string headers = "\x83\x86";
  headers += '\x04' + text(kPath);
  headers += '\x01' + text(authority);
  headers += std::string("\x0f\x10", 2) + text("application/grpc");
  headers += std::string(1, '\0') + text("te") + text("trailers");
  service = service.substr(0, kMaxText);
  const std::string message = service.empty() ? std::string() : '\x0a' + text(service);
  std::string data(4, '\0');
  data += static_cast<char>(message.size());
  data += message;
  return std::string(kPreface) + frame(kSettings, 0, 0, {}) + frame(kHeaders, kEndHeaders, 1, headers) +
         frame(kData, kEndStream, 1, data);
}

std::optional<ProbeResult> judge_grpc_health(std::string_view answer, bool over) {
  std::string body;
  while (answer.size() >= kFrameHeader) {
    const std::size_t length = number(answer.substr(0, 3));
    const auto type = static_cast<unsigned char>(answer[3]);
    const unsigned flags = static_cast<unsigned char>(answer[4]);
    if (answer.size() < kFrameHeader + length) break;
    std::string_view payload = answer.substr(kFrameHeader, length);
    answer.remove_prefix(kFrameHeader + length);
    if (type == kResetStream || type == kGoAway) return ProbeResult{false, false, "the server ended the HTTP/2 stream"};
    if (type == kData) {
      const std::size_t padding = (flags & kPadded) != 0 && !payload.empty() ? number(payload.substr(0, 1)) + 1 : 0;
      if (padding > payload.size()) return ProbeResult{false, false, "not a gRPC server"};
      body += padding == 0 ? payload : payload.substr(1, payload.size() - padding);
    }
    const bool whole = body.size() >= kMessagePrefix && body.size() >= kMessagePrefix + number(body.substr(1, 4));
    if (whole) return verdict(std::string_view(body).substr(kMessagePrefix));
    if ((type == kData || type == kHeaders) && (flags & kEndStream) != 0) return refused();
  }
  if (!over) return std::nullopt;
  return ProbeResult{false, false, "not a gRPC server: the connection ended without an answer"};
}

}  // namespace fairlead::node
