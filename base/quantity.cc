#include "base/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/json.h"

namespace fairlead {
namespace {

constexpr std::int64_t kMaxUnits = std::numeric_limits<std::int64_t>::max();
constexpr Int128 kNano = 1'000'000'000;
constexpr Int128 kMaxNano = Int128{kMaxUnits} * kNano;
/// Digits read exactly: an Int128 holds them times 2^60. What follows them only rounds.
constexpr std::size_t kMaxDigits = 19;

struct Suffix {
  std::string_view text;
  int power_of_two = 0;
  int power_of_ten = 0;
};

/// Decimal ones in steps of a thousand from "n" on, then binary ones in steps of 1024.
constexpr std::array<Suffix, 16> kSuffixes = {{{"n", 0, -9},
                                               {"u", 0, -6},
                                               {"m", 0, -3},
                                               {"", 0, 0},
                                               {"k", 0, 3},
                                               {"M", 0, 6},
                                               {"G", 0, 9},
                                               {"T", 0, 12},
                                               {"P", 0, 15},
                                               {"E", 0, 18},
                                               {"Ki", 10, 0},
                                               {"Mi", 20, 0},
                                               {"Gi", 30, 0},
                                               {"Ti", 40, 0},
                                               {"Pi", 50, 0},
                                               {"Ei", 60, 0}}};
constexpr std::size_t kLastDecimal = 9;  ///< The suffix "E".

struct Scale {
  int power_of_two = 0;
  int power_of_ten = 0;
  Quantity::Format format = Quantity::Format::kDecimal;
};

/// "Ki", "m", "e3"; nothing for anything else.
std::optional<Scale> read_suffix(std::string_view suffix) {
  using Format = Quantity::Format;
  const auto named = std::ranges::find(kSuffixes, suffix, &Suffix::text);
  if (named != kSuffixes.end())
    return Scale{named->power_of_two, named->power_of_ten,
                 named->power_of_two > 0 ? Format::kBinary : Format::kDecimal};
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  std::string_view digits = suffix.substr(1);
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return Scale{0, std::clamp(exponent, -60, 60), Format::kExponent};
}

/// Letters of suffixes, then an exponent: upstream tells an unknown suffix from what is none.
bool looks_like_suffix(std::string_view text) {
  const std::size_t sign = std::min(text.find_first_not_of("eEinumkKMGTP"), text.size());
  text.remove_prefix(sign);
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// A decimal number as mantissa and scale.
struct Decimal {
  Int128 mantissa = 0;
  int power_of_ten = 0;
  bool rest = false;  ///< Something above zero was cut off.
};

/// Takes digits and a point, or nothing, off the front of `text`.
Decimal read_decimal(std::string_view& text) {
  Decimal out;
  bool fraction = false;
  std::size_t significant = 0;
  for (; !text.empty(); text.remove_prefix(1)) {
    const char c = text[0];
    if (c == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    if (significant == kMaxDigits) {
      out.rest = out.rest || c != '0';
      out.power_of_ten += fraction ? 0 : 1;
      continue;
    }
    out.mantissa = out.mantissa * 10 + (c - '0');
    out.power_of_ten -= fraction ? 1 : 0;
    if (out.mantissa != 0) ++significant;
  }
  return out;
}

Int128 divide_away_from_zero(Int128 number, Int128 by) {
  const Int128 rest = number % by;
  return number / by + (rest > 0 ? 1 : rest < 0 ? -1 : 0);
}

/// The number in billionths.
Int128 to_nano(const Decimal& number, const Scale& scale) {
  Int128 out = number.mantissa;
  bool rest = number.rest;
  for (int i = 0; i < scale.power_of_two; ++i) out *= 2;
  int power = number.power_of_ten + scale.power_of_ten + 9;
  for (; power > 0 && out != 0 && out <= kMaxNano; --power) out *= 10;
  for (; power < 0; ++power) {
    rest = rest || out % 10 != 0;
    out /= 10;
  }
  return std::min(out + (rest ? 1 : 0), kMaxNano);
}

std::int64_t saturate(Int128 number) {
  return static_cast<std::int64_t>(std::clamp(number, -Int128{kMaxUnits}, Int128{kMaxUnits}));
}

std::string digits_of(Int128 number) {
  std::string out;
  do {
    out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
    number /= 10;
  } while (number != 0);
  return out;
}

/// How often `by` divides the number, at most `most` times; divides it.
std::size_t take_factors(Int128& number, Int128 by, std::size_t most) {
  std::size_t out = 0;
  for (; out < most && number % by == 0; ++out) number /= by;
  return out;
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  if (text.empty()) return fail("quantities must not be empty: use 0");
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  const Decimal number = read_decimal(rest);
  const std::optional<Scale> scale = read_suffix(rest);
  if (!scale && looks_like_suffix(rest)) return fail("unable to parse quantity's suffix");
  if (!scale) return fail("{}", kMalformed);
  const Int128 nano = to_nano(number, *scale);
  return Quantity{negative ? -nano : nano, scale->format};
}

Result<Quantity> Quantity::read(const Value& value) {
  if (value.is_int()) return Quantity{Int128{value.int_or(0)} * kNano, Format::kDecimal};
  if (value.is_double()) return parse(to_json(value));
  if (value.is_string()) return parse(value.str());
  return fail("{}", kMalformed);
}

Quantity Quantity::of(const Value& value) { return read(value).value_or(Quantity{}); }

Quantity Quantity::of_milli(std::int64_t milli) { return {Int128{milli} * (kNano / 1000), Format::kDecimal}; }

Quantity Quantity::of_bytes(std::int64_t bytes) { return {Int128{bytes} * kNano, Format::kBinary}; }

std::int64_t Quantity::value() const { return saturate(divide_away_from_zero(nano, kNano)); }

std::int64_t Quantity::milli_value() const { return saturate(divide_away_from_zero(nano, kNano / 1000)); }

bool Quantity::is_whole() const { return nano % kNano == 0; }

std::string Quantity::text() const {
  if (nano == 0) return "0";
  const std::string sign = nano < 0 ? "-" : "";
  Int128 number = nano < 0 ? -nano : nano;
  if (format == Format::kBinary && number >= 1024 * kNano && is_whole()) {
    number /= kNano;
    const std::size_t steps = take_factors(number, 1024, kSuffixes.size() - 1 - kLastDecimal);
    return sign + digits_of(number) + std::string(steps == 0 ? "" : kSuffixes.at(kLastDecimal + steps).text);
  }
  const Suffix& suffix = kSuffixes.at(take_factors(number, 1000, kLastDecimal));
  if (format == Format::kExponent && suffix.power_of_ten != 0)
    return sign + fmt::format("{}e{}", digits_of(number), suffix.power_of_ten);
  return sign + digits_of(number) + std::string(suffix.text);
}

}  // namespace fairlead
