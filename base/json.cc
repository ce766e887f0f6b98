#include "base/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include <simdjson.h>

#include "base/json_error.h"

namespace fairlead {
namespace {

using simdjson::dom::element_type;

/// Texts up to this size share one parser per thread, so its buffers are allocated once and stay small.
constexpr std::size_t kSharedParserBytes = std::size_t{256} << 10;
/// Up to this many members, comparing every pair of keys is cheaper than sorting them.
constexpr std::size_t kPairwiseMembers = 12;

bool has_duplicate_key(const Value::Object& members) {
  if (members.size() <= kPairwiseMembers) {
    for (auto a = members.begin(); a != members.end(); ++a) {
      if (std::any_of(members.begin(), a, [&](const Member& b) { return a->key == b.key; })) return true;
    }
    return false;
  }
  std::vector<std::string_view> keys;
  keys.reserve(members.size());
  for (const Member& m : members) keys.emplace_back(m.key);
  std::ranges::sort(keys);
  return std::ranges::adjacent_find(keys) != keys.end();
}

/// False where the text must be refused; why is found out afterwards, by find_json_error.
bool build(const simdjson::dom::element& element, std::size_t depth, Value& out) {
  switch (element.type()) {
    case element_type::OBJECT: {
      if (depth >= kMaxJsonDepth) return false;
      Value::Object members;
      for (const auto [key, child] : simdjson::dom::object(element)) {
        Member& member = members.emplace_back(Member{std::string(key), Value()});
        if (!build(child, depth + 1, member.value)) return false;
      }
      if (has_duplicate_key(members)) return false;
      out = Value(std::move(members));
      return true;
    }
    case element_type::ARRAY: {
      if (depth >= kMaxJsonDepth) return false;
      Value::Array items;
      for (const auto child : simdjson::dom::array(element)) {
        if (!build(child, depth + 1, items.emplace_back())) return false;
      }
      out = Value(std::move(items));
      return true;
    }
    case element_type::STRING: out = Value(std::string_view(element)); return true;
    case element_type::INT64: out = Value(std::int64_t(element)); return true;
    // Upstream's decoder (sigs.k8s.io/json) also gives a float where int64 is too small.
    case element_type::UINT64: out = Value(static_cast<double>(std::uint64_t(element))); return true;
    case element_type::DOUBLE: out = Value(double(element)); return true;
    case element_type::BOOL: out = Value(bool(element)); return true;
    case element_type::NULL_VALUE: out = Value(); return true;
  }
  return false;
}

Error explain(std::string_view text, std::string_view file, std::string_view otherwise) {
  if (auto found = find_json_error(text, file)) return *std::move(found);
  return Error{fmt::format("not acceptable as JSON: {}", otherwise), std::string(file)};
}

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
    case Value::Kind::kBool: out += value.bool_or(false) ? "true" : "false"; break;
    case Value::Kind::kInt: append_int(out, value.int_or(0)); break;
    case Value::Kind::kDouble: append_double(out, value.number_or(0)); break;
    case Value::Kind::kString: append_json_string(out, value.str()); break;
    default: out += "null";
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

Result<Value> parse_json(std::string_view text, std::string_view file) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) return fail("JSON text over 4 GiB");
  thread_local simdjson::dom::parser shared;
  simdjson::dom::parser own;
  simdjson::dom::parser& parser = text.size() <= kSharedParserBytes ? shared : own;
  simdjson::dom::element root;
  const auto error = parser.parse(text.data(), text.size()).get(root);
  if (error != simdjson::SUCCESS) return std::unexpected(explain(text, file, simdjson::error_message(error)));
  Value value;
  if (!build(root, 0, value)) return std::unexpected(explain(text, file, "unknown reason"));
  return value;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
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

}  // namespace fairlead
