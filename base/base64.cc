#include "base/base64.h"

#include <cstdint>

namespace fairlead {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void append_byte(std::string& out, std::uint32_t byte) {
  out.push_back(static_cast<char>(static_cast<unsigned char>(byte & 0xFFU)));
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= group.size() ? kAlphabet[bits >> (18 - 6 * k) & 0x3FU] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    if (c == '=') {
      if (digits % 4 < 2 || ++padding + digits % 4 > 4) return std::nullopt;
      continue;
    }
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if (++digits % 4 != 0) continue;
    append_byte(out, bits >> 16);
    append_byte(out, bits >> 8);
    append_byte(out, bits);
  }
  if ((digits + padding) % 4 != 0) return std::nullopt;
  if (digits % 4 == 2) append_byte(out, bits >> 4);
  if (digits % 4 == 3) {
    append_byte(out, bits >> 10);
    append_byte(out, bits >> 2);
  }
  return out;
}

}  // namespace fairlead
