#include "engine/gitops/address_range.h"

#include <charconv>

#include <fmt/format.h>

namespace fairlead::gitops {
namespace {

/// A decimal number without sign or leading zero at the front of `text`, at most `most`; takes it off.
std::optional<std::uint32_t> take_number(std::string_view& text, std::uint32_t most) {
  if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return std::nullopt;
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || out > most) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return out;
}

}  // namespace

std::optional<std::uint32_t> parse_address(std::string_view text) {
  std::uint32_t out = 0;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    const auto byte = take_number(text, 255);
    if (!byte) return std::nullopt;
    out = out << 8 | *byte;
  }
  return text.empty() ? std::optional(out) : std::nullopt;
}

std::string format_address(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto first = parse_address(text.substr(0, slash));
  std::string_view rest = text.substr(slash + 1);
  const auto prefix = take_number(rest, 32);
  if (!first || !prefix || !rest.empty()) return std::nullopt;
  const AddressRange out{*first, static_cast<int>(*prefix)};
  if (out.first % out.size() != 0) return std::nullopt;
  return out;
}

std::string AddressRange::to_string() const { return fmt::format("{}/{}", format_address(first), prefix); }

}  // namespace fairlead::gitops
