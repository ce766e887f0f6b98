#include "service/trace.h"

#include <algorithm>
#include <charconv>
#include <random>

namespace fairlead::service {
namespace {

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool all_zero(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestId && net::is_token(text);
}

}  // namespace

std::optional<TraceParent> TraceParent::parse(std::string_view text) {
  // Version 00 has exactly this length; later ones may go on after another dash.
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  if (!is_hex(version) || version == "ff" || (version == "00" && text.size() != 55)) return std::nullopt;
  if (text.size() > 55 && text[55] != '-') return std::nullopt;
  const std::string_view trace = text.substr(3, 32);
  const std::string_view span = text.substr(36, 16);
  const std::string_view flags = text.substr(53, 2);
  if (!is_hex(trace) || !is_hex(span) || !is_hex(flags) || all_zero(trace) || all_zero(span)) return std::nullopt;
  int bits = 0;
  std::from_chars(flags.data(), flags.data() + flags.size(), bits, 16);
  return TraceParent{std::string(trace), std::string(span), (bits & 1) != 0};
}

std::string TraceParent::to_string() const { return "00-" + trace_id + "-" + span_id + (sampled ? "-01" : "-00"); }

RequestContext RequestContext::from(const net::Headers& headers, std::chrono::milliseconds limit) {
  RequestContext context;
  const std::string_view id = headers.get(kRequestIdHeader);
  context.request_id = is_request_id(id) ? std::string(id) : random_hex(16);
  if (auto parent = TraceParent::parse(headers.get("traceparent"))) {
    context.trace = *std::move(parent);
  } else {
    context.trace.trace_id = random_hex(32);
  }
  context.trace.span_id = random_hex(16);
  const std::string_view left = headers.get(kTimeoutHeader);
  std::int64_t milliseconds = 0;
  const auto [end, error] = std::from_chars(left.data(), left.data() + left.size(), milliseconds);
  if (!left.empty() && error == std::errc{} && end == left.data() + left.size() && milliseconds >= 0) {
    limit = std::min(limit, std::chrono::milliseconds(milliseconds));
  }
  context.deadline = std::chrono::steady_clock::now() + limit;
  return context;
}

std::chrono::milliseconds RequestContext::remaining() const {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds{0});
}

void RequestContext::pass_on(net::Headers& headers) const {
  headers.set(kRequestIdHeader, request_id);
  headers.set("traceparent", trace.to_string());
  headers.set(kTimeoutHeader, std::to_string(remaining().count()));
}

std::string random_hex(std::size_t digits) {
  thread_local std::mt19937_64 source{std::random_device{}()};
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  do {
    out.clear();
    while (out.size() < digits) {
      std::uint64_t bits = source();
      for (int i = 0; i < 16 && out.size() < digits; ++i, bits >>= 4U) out += kHex[bits & 15U];
    }
  } while (all_zero(out));
  return out;
}

}  // namespace fairlead::service
