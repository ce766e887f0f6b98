#include "base/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "base/base64.h"
#include "base/utf8.h"

namespace fairlead {
namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";
constexpr double kInt64Limit = 9223372036854775808.0;  // 2^63

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::optional<bool> read_bool(std::string_view text) {
  if (is_one_of(text, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) return true;
  if (is_one_of(text, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) return false;
  return std::nullopt;
}

bool is_null(std::string_view text) { return is_one_of(text, {"", "~", "null", "Null", "NULL"}); }

bool is_not_finite(std::string_view text) {
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return true;
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return is_one_of(text, {".inf", ".Inf", ".INF"});
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t count_digits(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
}

/// Go's strconv.ParseInt and ParseUint with base 0, without underscores.
std::optional<Value> read_int(std::string_view text) {
  const bool negative = text.starts_with('-');
  const bool has_sign = negative || text.starts_with('+');
  if (has_sign) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  constexpr std::uint64_t kMin = std::uint64_t{1} << 63;
  if (negative) {
    if (magnitude > kMin) return std::nullopt;
    return Value(static_cast<std::int64_t>(~magnitude + 1));
  }
  if (magnitude < kMin) return Value(static_cast<std::int64_t>(magnitude));
  if (has_sign) return std::nullopt;
  return Value(static_cast<double>(magnitude));
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
bool has_float_form(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  const std::size_t whole = count_digits(text);
  text.remove_prefix(whole);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t fraction = count_digits(text);
    if (whole + fraction == 0) return false;
    text.remove_prefix(fraction);
  } else if (whole == 0) {
    return false;
  }
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && count_digits(text) == text.size();
}

std::optional<Value> read_float(std::string_view text) {
  if (!has_float_form(text)) return std::nullopt;
  const double number = std::strtod(std::string(text).c_str(), nullptr);
  if (!std::isfinite(number)) return std::nullopt;
  // On its way through JSON upstream writes 3.0 as 3 and reads that as an integer.
  if (number == std::trunc(number) && std::abs(number) < kInt64Limit) return Value(static_cast<std::int64_t>(number));
  return Value(number);
}

std::optional<Value> read_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text[0] == '.') return read_float(text);
  if (!is_digit(text[0]) && text[0] != '-' && text[0] != '+') return std::nullopt;
  std::string plain(text);
  std::erase(plain, '_');
  if (auto number = read_int(plain)) return number;
  return read_float(plain);
}

Result<Value> resolve_plain(std::string_view text) {
  if (is_null(text)) return Value();
  if (const auto flag = read_bool(text)) return Value(*flag);
  if (is_not_finite(text)) return fail("{} cannot be written as JSON: quote it or give a finite number", text);
  if (auto number = read_number(text)) return *std::move(number);
  return Value(text);
}

Result<Value> read_binary(std::string_view text) {
  std::optional<std::string> bytes = base64_decode(text);
  if (!bytes) return fail("!!binary value is not valid base64");
  if (find_invalid_utf8(*bytes) != std::string_view::npos) return fail("!!binary value is not UTF-8 text");
  return Value(*std::move(bytes));
}

}  // namespace

Result<Value> resolve_yaml_scalar(std::string_view tag, std::string_view text) {
  if (tag.empty()) return resolve_plain(text);
  if (!tag.starts_with(kTagPrefix)) return Value(text);
  const std::string_view type = tag.substr(kTagPrefix.size());
  if (type == "binary") return read_binary(text);
  if (!is_one_of(type, {"null", "bool", "int", "float"})) return Value(text);
  Result<Value> value = resolve_plain(text);
  if (!value) return value;
  const bool fits = (type == "null" && value->is_null()) || (type == "bool" && value->is_bool()) ||
                    (type == "int" && value->is_int()) || (type == "float" && value->is_number());
  if (!fits) return fail("cannot read `{}` as a !!{}", text, type);
  return value;
}

Result<std::string> yaml_key(const Value& scalar) {
  switch (scalar.kind()) {
    case Value::Kind::kString:
      return std::string(scalar.str());
    case Value::Kind::kBool:
      return scalar.bool_or(false) ? "true" : "false";
    case Value::Kind::kInt:
      return std::to_string(scalar.int_or(0));
    case Value::Kind::kDouble:
      break;
    case Value::Kind::kNull:
      return fail("a key must not be null or empty: quote it if the text is meant");
    default:
      return fail("a key must be a scalar, not {}", scalar.is_array() ? "a list" : "a map");
  }
  // Upstream formats with float32 precision, exponent form outside 1e-4 … 1e6.
  const auto number = static_cast<float>(scalar.number_or(0));
  const float size = std::abs(number);
  const auto form = size < 1e-4F || size >= 1e6F ? std::chars_format::scientific : std::chars_format::fixed;
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, form);
  return std::string(buffer.data(), end.ptr);
}

bool is_ambiguous_yaml(std::string_view text) {
  if (text == "<<" || text == "=") return true;
  const Result<Value> value = resolve_plain(text);
  if (!value || !value->is_string()) return true;
  // Timestamps, and the base 60 numbers of other YAML 1.1 readers.
  const bool date = text.size() > 4 && count_digits(text) == 4 && text[4] == '-';
  const bool base60 =
      text.find(':') != std::string_view::npos && text.find_first_not_of("0123456789:._+-") == std::string_view::npos;
  return date || base60;
}

}  // namespace fairlead
