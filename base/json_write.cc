// Apart from the reader, so that a program that only writes JSON does not link simdjson.
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"

namespace fairlead {
namespace {

void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  // Without an exponent where people expect it; but readers take a long run of digits for an integer that does not fit.
  const double size = std::abs(number);
  const bool plain = size == 0 || (size >= 1e-6 && size < 1e15);
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  out.append(buffer.data(), end.ptr);
}

void append_int(std::string& out, std::int64_t number) {
  std::array<char, 24> buffer{};
  out.append(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr);
}

void append_scalar(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBool:
      out += value.bool_or(false) ? "true" : "false";
      break;
    case Value::Kind::kInt:
      append_int(out, value.int_or(0));
      break;
    case Value::Kind::kDouble:
      append_double(out, value.number_or(0));
      break;
    case Value::Kind::kString:
      append_json_string(out, value.str());
      break;
    default:
      out += "null";
  }
}

void append_pretty(std::string& out, const Value& value, std::size_t indent) {
  if ((!value.is_object() && !value.is_array()) || value.empty()) {
    append_json(out, value);
    return;
  }
  const auto start_line = [&](bool first) {
    out += first ? "\n" : ",\n";
    out.append(indent + 2, ' ');
  };
  bool first = true;
  out += value.is_object() ? '{' : '[';
  for (const Member& member : value.members()) {
    start_line(std::exchange(first, false));
    append_json_string(out, member.key);
    out += ": ";
    append_pretty(out, member.value, indent + 2);
  }
  for (const Value& item : value.items()) {
    start_line(std::exchange(first, false));
    append_pretty(out, item, indent + 2);
  }
  out += '\n';
  out.append(indent, ' ');
  out += value.is_object() ? '}' : ']';
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      const std::size_t length = utf8_sequence_length(text, i);
      if (length != 0) {
        i += length - 1;
        continue;
      }
    } else if (c >= 0x20 && c != '"' && c != '\\') {
      continue;
    }
    out.append(text, plain, i - plain);
    plain = i + 1;
    if (c >= 0x80) {
      out += "\\ufffd";
      continue;
    }
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 0xF];
    }
  }
  out.append(text, plain);
  out += '"';
}

void append_json(std::string& out, const Value& value) {
  char separator = '{';
  if (value.is_object()) {
    for (const Member& member : value.members()) {
      out += std::exchange(separator, ',');
      append_json_string(out, member.key);
      out += ':';
      append_json(out, member.value);
    }
    out += value.empty() ? "{}" : "}";
  } else if (value.is_array()) {
    separator = '[';
    for (const Value& item : value.items()) {
      out += std::exchange(separator, ',');
      append_json(out, item);
    }
    out += value.empty() ? "[]" : "]";
  } else {
    append_scalar(out, value);
  }
}

std::string to_json(const Value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

std::string to_pretty_json(const Value& value) {
  std::string out;
  append_pretty(out, value, 0);
  return out;
}

std::string scalar_text(const Value& value) { return value.is_string() ? std::string(value.str()) : to_json(value); }

}  // namespace fairlead
