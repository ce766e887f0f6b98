#include "base/json_shape.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/json.h"

namespace fairlead {
namespace {

/// Between these, every whole double is an int64 as well.
constexpr double kLeastInt = -0x1p63;
constexpr double kPastInt = 0x1p63;

void append_canonical(std::string& out, const Value& value) {
  if (value.is_object()) {
    std::vector<const Member*> members;
    members.reserve(value.size());
    for (const Member& member : value.members()) members.push_back(&member);
    std::ranges::sort(members, {}, &Member::key);
    out += '{';
    for (const Member* member : members) {
      append_json_string(out, member->key);
      out += ':';
      append_canonical(out, member->value);
      out += ',';
    }
    out += '}';
  } else if (value.is_array()) {
    out += '[';
    for (const Value& item : value.items()) {
      append_canonical(out, item);
      out += ',';
    }
    out += ']';
  } else {
    const double number = value.is_double() ? value.number_or(0) : kPastInt;
    const bool whole = number >= kLeastInt && number < kPastInt && number == std::floor(number);
    append_json(out, whole ? Value(static_cast<std::int64_t>(number)) : value);
  }
}

}  // namespace

JsonShape json_shape(const Value& value) {
  JsonShape out;
  if (!value.is_object() && !value.is_array()) return out;
  const auto add = [&](const Value& child) {
    const JsonShape below = json_shape(child);
    out.depth = std::max(out.depth, below.depth);
    out.nodes += below.nodes;
  };
  for (const Member& member : value.members()) add(member.value);
  for (const Value& item : value.items()) add(item);
  ++out.depth;
  return out;
}

std::string canonical_json(const Value& value) {
  std::string out;
  append_canonical(out, value);
  return out;
}

}  // namespace fairlead
