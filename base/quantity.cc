#include "base/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/json.h"

namespace fairlead {
namespace {

using Wide = decltype(Quantity::milli);

/// Far above every real quantity, and sums of many still fit.
constexpr Wide kMaxMilli = Wide{1'000'000'000'000'000'000} * 1'000'000'000'000;
/// Digits read exactly; what follows the point beyond them only rounds up.
constexpr std::size_t kMaxDigits = 18;

struct Scale {
  int power_of_two = 0;
  int power_of_ten = 0;
};

/// "Ki", "m", "e3"; nothing for anything else.
std::optional<Scale> read_suffix(std::string_view suffix) {
  struct Named {
    std::string_view name;
    Scale scale;
  };
  static constexpr std::array<Named, 16> kNamed = {{{"", {0, 0}},
                                                    {"m", {0, -3}},
                                                    {"k", {0, 3}},
                                                    {"M", {0, 6}},
                                                    {"G", {0, 9}},
                                                    {"T", {0, 12}},
                                                    {"P", {0, 15}},
                                                    {"E", {0, 18}},
                                                    {"u", {0, -6}},
                                                    {"n", {0, -9}},
                                                    {"Ki", {10, 0}},
                                                    {"Mi", {20, 0}},
                                                    {"Gi", {30, 0}},
                                                    {"Ti", {40, 0}},
                                                    {"Pi", {50, 0}},
                                                    {"Ei", {60, 0}}}};
  const auto named = std::ranges::find(kNamed, suffix, &Named::name);
  if (named != kNamed.end()) return named->scale;
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  std::string_view digits = suffix.substr(1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return Scale{0, std::clamp(exponent, -60, 60)};
}

/// A decimal number as mantissa and scale.
struct Decimal {
  Wide mantissa = 0;
  int power_of_ten = 0;
  bool rest = false;  ///< Something above zero was cut off.
  bool huge = false;
};

/// Takes digits and a point off the front of `text`; false where there is no digit.
bool read_decimal(std::string_view& text, Decimal& out) {
  bool fraction = false;
  std::size_t digits = 0;
  std::size_t significant = 0;
  for (; !text.empty(); text.remove_prefix(1)) {
    const char c = text[0];
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    ++digits;
    if (significant == kMaxDigits) {
      (fraction ? out.rest : out.huge) |= !fraction || c != '0';
      continue;
    }
    out.mantissa = out.mantissa * 10 + (c - '0');
    out.power_of_ten -= fraction ? 1 : 0;
    if (out.mantissa != 0) ++significant;
  }
  return digits > 0;
}

/// The number in thousandths, rounded away from zero.
Wide to_milli(const Decimal& number, Scale scale) {
  if (number.huge) return kMaxMilli;
  Wide out = number.mantissa;
  bool rest = number.rest;
  const auto multiply = [&](Wide by) { out = out > kMaxMilli / by ? kMaxMilli : out * by; };
  multiply(Wide{1} << scale.power_of_two);
  int power = number.power_of_ten + scale.power_of_ten + 3;
  for (; power > 0; --power) multiply(10);
  for (; power < 0; ++power) {
    rest = rest || out % 10 != 0;
    out /= 10;
  }
  return out + (rest ? 1 : 0);
}

std::int64_t saturate(Wide number) {
  constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(number, -kMax, kMax));
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  Decimal number;
  const bool has_digits = read_decimal(rest, number);
  const std::optional<Scale> scale = read_suffix(rest);
  if (!has_digits || !scale) return fail("\"{}\" is not a quantity: write it as 2, 500m, 0.5, 128Mi or 1G", text);
  const Wide milli = to_milli(number, *scale);
  return Quantity{negative ? -milli : milli};
}

Quantity Quantity::of(const Value& value) {
  if (value.is_int()) return {Wide{value.int_or(0)} * 1000};
  const Result<Quantity> parsed = parse(value.is_double() ? to_json(value) : std::string(value.str()));
  return parsed.value_or(Quantity{});
}

std::int64_t Quantity::value() const {
  return saturate(milli / 1000 + (milli % 1000 > 0 ? 1 : milli % 1000 < 0 ? -1 : 0));
}

std::int64_t Quantity::milli_value() const { return saturate(milli); }

std::string format_cpu(std::int64_t milli) {
  return milli % 1000 == 0 ? fmt::format("{}", milli / 1000) : fmt::format("{}m", milli);
}

std::string format_bytes(std::int64_t bytes) {
  static constexpr std::array<std::string_view, 7> kSuffixes = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  std::size_t suffix = 0;
  while (bytes != 0 && bytes % 1024 == 0 && suffix + 1 < kSuffixes.size()) {
    bytes /= 1024;
    ++suffix;
  }
  return fmt::format("{}{}", bytes, kSuffixes.at(suffix));
}

}  // namespace fairlead
