#include "engine/api/schema_scalar.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/int128.h"
#include "base/time.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kBadQuantity =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr Int128 kNano = 1'000'000'000;  ///< Quantities count in billionths, the least that upstream keeps.

struct Suffix {
  std::string_view text;
  int base;  ///< 10 or 2.
  int exponent;
};
constexpr std::array<Suffix, 16> kSuffixes{{{"n", 10, -9},
                                            {"u", 10, -6},
                                            {"m", 10, -3},
                                            {"", 10, 0},
                                            {"k", 10, 3},
                                            {"M", 10, 6},
                                            {"G", 10, 9},
                                            {"T", 10, 12},
                                            {"P", 10, 15},
                                            {"E", 10, 18},
                                            {"Ki", 2, 10},
                                            {"Mi", 2, 20},
                                            {"Gi", 2, 30},
                                            {"Ti", 2, 40},
                                            {"Pi", 2, 50},
                                            {"Ei", 2, 60}}};

enum class Format : std::uint8_t { kDecimal, kBinary, kExponent };

struct Parsed {
  Int128 nano = 0;
  bool negative = false;
  Format format = Format::kDecimal;
};

/// Multiplies a mantissa of `digits` by base^exponent with `decimals` digits after the point, rounding away from zero.
bool scale(Int128& value, int base, int exponent, int decimals) {
  constexpr Int128 kMost = static_cast<Int128>(std::numeric_limits<std::int64_t>::max()) * kNano;
  int ten = 9 - decimals + (base == 10 ? exponent : 0);
  if (base == 2) {
    for (int i = 0; i < exponent; ++i) {
      if (value > kMost) return false;
      value *= 2;
    }
  }
  for (; ten > 0; --ten) {
    if (value > kMost) return false;
    value *= 10;
  }
  bool rest = false;
  for (; ten < 0; ++ten) {
    rest = rest || value % 10 != 0;
    value /= 10;
  }
  if (rest) ++value;
  value = std::min(value, kMost);
  return true;
}

bool read_suffix(std::string_view text, int& base, int& exponent, Format& format) {
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.text != text) continue;
    base = suffix.base;
    exponent = suffix.exponent;
    format = base == 2 ? Format::kBinary : Format::kDecimal;
    return true;
  }
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return false;
  std::size_t at = text[1] == '-' || text[1] == '+' ? 2 : 1;
  int out = 0;
  if (at == text.size()) return false;
  for (; at < text.size(); ++at) {
    if (text[at] < '0' || text[at] > '9' || out > 1000) return false;
    out = out * 10 + (text[at] - '0');
  }
  base = 10;
  exponent = text[1] == '-' ? -out : out;
  format = Format::kExponent;
  return true;
}

Result<Parsed> read_quantity(std::string_view text) {
  if (text.empty()) return fail("quantities must not be empty: use 0");
  Parsed out;
  std::size_t at = 0;
  if (text[0] == '-' || text[0] == '+') out.negative = text[at++] == '-';
  int decimals = -1;
  std::size_t digits = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (text[at] < '0' || text[at] > '9') break;
    ++digits;
    if (decimals >= 18 || out.nano > std::numeric_limits<std::int64_t>::max()) continue;
    out.nano = out.nano * 10 + (text[at] - '0');
    if (decimals >= 0) ++decimals;
  }
  int base = 10;
  int exponent = 0;
  if (digits == 0 || !read_suffix(text.substr(at), base, exponent, out.format)) return fail("{}", kBadQuantity);
  if (!scale(out.nano, base, exponent, std::max(decimals, 0))) {
    out.nano = static_cast<Int128>(std::numeric_limits<std::int64_t>::max()) * kNano;
  }
  return out;
}

std::string digits_of(Int128 value) {
  std::string out;
  do {
    out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return out;
}

std::string write_quantity(const Parsed& parsed) {
  if (parsed.nano == 0) return "0";
  const std::string sign = parsed.negative ? "-" : "";
  Int128 value = parsed.nano;
  if (parsed.format == Format::kBinary && value >= 1024 * kNano && value % kNano == 0) {
    value /= kNano;
    std::size_t step = 0;
    for (; step < 6 && value % 1024 == 0; ++step) value /= 1024;
    return sign + digits_of(value) + (step == 0 ? "" : std::string(kSuffixes[9 + step].text));
  }
  int exponent = -9;
  while (exponent < 18 && value % 1000 == 0) {
    value /= 1000;
    exponent += 3;
  }
  if (parsed.format == Format::kExponent) {
    return sign + digits_of(value) + (exponent == 0 ? "" : fmt::format("e{}", exponent));
  }
  return sign + digits_of(value) + std::string(kSuffixes[static_cast<std::size_t>(exponent / 3 + 3)].text);
}

Scalar whole_number(Value& value, std::int64_t low, std::int64_t high) {
  if (value.is_double()) {
    const double number = value.number_or(0);
    if (number != static_cast<double>(static_cast<std::int64_t>(number))) {
      return {false, fmt::format("number {}", number)};
    }
    Value whole(static_cast<std::int64_t>(number));
    whole.set_position(value.line(), value.column());
    value = std::move(whole);
  }
  if (!value.is_int()) return {false};
  if (value.int_or(0) >= low && value.int_or(0) <= high) return {};
  return {false, fmt::format("number {}", value.int_or(0))};
}

void rewrite(Value& value, std::string text) {
  const auto [line, column] = std::pair(value.line(), value.column());
  value = Value(std::move(text));
  value.set_position(line, column);
}

Scalar quantity(Value& value, bool typed) {
  const std::string text = value.is_int()      ? std::to_string(value.int_or(0))
                           : value.is_double() ? fmt::format("{}", value.number_or(0))
                                               : std::string(value.str());
  if (!value.is_string() && !value.is_number()) return {false, std::string(kBadQuantity)};
  Result<std::string> canonical = canonical_quantity(text);
  if (!canonical) return {false, canonical.error().message};
  if (typed) rewrite(value, *std::move(canonical));
  return {};
}

Scalar point_in_time(Shape shape, Value& value, bool typed) {
  if (!value.is_string()) return {false};
  const Result<Time> parsed = parse_time(value.str());
  if (!parsed) {
    const std::string_view layout =
        shape == Shape::kTime ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
    return {false, fmt::format("parsing time \"{}\" as \"{}\": cannot parse \"{}\" as \"2006\"", value.str(), layout,
                               value.str())};
  }
  constexpr std::size_t kMicroTimeSize = std::string_view("2006-01-02T15:04:05.000000Z").size();
  if (!typed || (shape == Shape::kMicroTime && value.str().size() == kMicroTimeSize)) return {};
  rewrite(value, shape == Shape::kTime ? format_time(*parsed) : format_micro_time(*parsed));
  return {};
}

Scalar span_of_time(Value& value, bool typed) {
  if (!value.is_string()) return {false};
  const Result<Duration> parsed = parse_duration(value.str());
  if (!parsed) return {false, parsed.error().message};
  if (typed) rewrite(value, format_duration(*parsed));
  return {};
}

Scalar base64(const Value& value) {
  if (!value.is_string()) return {false};
  const std::size_t bad = base64_error(value.str());
  if (bad == std::string_view::npos) return {};
  return {false, fmt::format("illegal base64 data at input byte {}", bad)};
}

}  // namespace

Result<std::string> canonical_quantity(std::string_view text) {
  const Result<Parsed> parsed = read_quantity(text);
  if (!parsed) return std::unexpected(parsed.error());
  return write_quantity(*parsed);
}

Scalar normalise_scalar(Shape shape, Value& value, bool typed) {
  switch (shape) {
    case Shape::kString:
      return {value.is_string()};
    case Shape::kBoolean:
      return {value.is_bool()};
    case Shape::kNumber:
      return {value.is_number()};
    case Shape::kInt32:
      return whole_number(value, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    case Shape::kInt64:
    case Shape::kInteger:
      return whole_number(value, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
    case Shape::kIntOrString: {
      if (value.is_string()) return {};
      return whole_number(value, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    }
    case Shape::kQuantity:
      return quantity(value, typed);
    case Shape::kTime:
    case Shape::kMicroTime:
      return point_in_time(shape, value, typed);
    case Shape::kDuration:
      return span_of_time(value, typed);
    case Shape::kBytes:
      return base64(value);
    default:
      return {};
  }
}

Value zero_of(const Type& type) {
  switch (type.shape) {
    case Shape::kString:
      return "";
    case Shape::kBoolean:
      return false;
    case Shape::kInt32:
    case Shape::kInt64:
    case Shape::kInteger:
    case Shape::kNumber:
    case Shape::kIntOrString:
      return 0;
    case Shape::kQuantity:
      return "0";
    case Shape::kDuration:
      return "0s";
    case Shape::kObject:
      return Value::object();
    default:
      return nullptr;
  }
}

bool is_zero(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      return true;
    case Value::Kind::kBool:
      return !value.bool_or(true);
    case Value::Kind::kInt:
    case Value::Kind::kDouble:
      return value.number_or(1) == 0;
    case Value::Kind::kString:
      return value.str().empty();
    default:
      return value.empty();
  }
}

std::string_view json_type(Shape shape) {
  switch (shape) {
    case Shape::kRaw:
    case Shape::kObject:
    case Shape::kMap:
      return "object";
    case Shape::kArray:
      return "array";
    case Shape::kInt32:
    case Shape::kInt64:
    case Shape::kInteger:
    case Shape::kIntOrString:
      return "integer";
    case Shape::kNumber:
      return "number";
    case Shape::kBoolean:
      return "boolean";
    default:
      return "string";
  }
}

std::string go_type(const Type& type) {
  switch (type.shape) {
    case Shape::kArray:
      return "[]" + go_type(*type.element);
    case Shape::kMap:
      return "map[string]" + go_type(*type.element);
    case Shape::kObject: {
      const std::size_t kind = type.name.rfind('.');
      if (!type.named() || kind == std::string_view::npos) return "struct";
      return std::string(type.name.substr(type.name.rfind('.', kind - 1) + 1));
    }
    case Shape::kBoolean:
      return "bool";
    case Shape::kInt32:
      return "int32";
    case Shape::kInt64:
    case Shape::kInteger:
      return "int64";
    case Shape::kNumber:
      return "float64";
    case Shape::kBytes:
      return "[]uint8";
    case Shape::kTime:
      return "time.Time";
    default:
      return std::string(json_type(type.shape));
  }
}

std::size_t base64_error(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r') continue;
    const bool letter =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    if (letter) {
      ++count;
      continue;
    }
    const std::string_view rest = text.substr(i);
    const bool padding =
        (count % 4 == 2 && rest.starts_with("==") && rest.size() == 2) || (count % 4 == 3 && rest == "=");
    return padding ? std::string_view::npos : i;
  }
  return count % 4 == 0 ? std::string_view::npos : text.size();
}

}  // namespace fairlead::api
