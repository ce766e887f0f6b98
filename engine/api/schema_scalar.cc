#include "engine/api/schema_scalar.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/quantity.h"
#include "base/time.h"

namespace fairlead::api {
namespace {

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
  const Result<Quantity> parsed = Quantity::read(value);
  if (!parsed) return {false, parsed.error().message};
  if (typed) rewrite(value, parsed->text());
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
