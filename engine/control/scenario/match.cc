#include "engine/control/scenario/match.h"

#include <algorithm>

#include "base/json.h"

namespace fairlead::control {
namespace {

std::string join(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::optional<std::string> array_difference(const Value& expected, const Value& actual, const std::string& path) {
  if (expected.empty()) {
    if (actual.empty()) return std::nullopt;
    return fmt::format("{}: expected nothing, got {}", path, to_json(actual));
  }
  const bool objects = expected.at(0).is_object();
  if (!objects && expected.size() != actual.size()) {
    return fmt::format("{}: expected {}, got {}", path, to_json(expected), to_json(actual));
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Value& wanted = expected.items()[i];
    if (!objects) {
      if (auto d = difference(wanted, actual.at(i), fmt::format("{}[{}]", path, i))) return d;
      continue;
    }
    const bool found = std::ranges::any_of(actual.items(), [&](const Value& a) { return !difference(wanted, a, ""); });
    if (!found) return fmt::format("{}: no element is like {} in {}", path, to_json(wanted), to_json(actual));
  }
  return std::nullopt;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t i = star; i <= text.size(); ++i) {
    if (glob_matches(rest, text.substr(i))) return true;
  }
  return false;
}

std::optional<std::string> difference(const Value& expected, const Value& actual, const std::string& path) {
  if (expected.is_object()) {
    if (!actual.is_object() && !actual.is_null()) {
      return fmt::format("{}: expected an object, got {}", path, to_json(actual));
    }
    for (const Member& m : expected.members()) {
      if (auto d = difference(m.value, actual.at(m.key), join(path, m.key))) return d;
    }
    return std::nullopt;
  }
  if (expected.is_array()) return array_difference(expected, actual, path);
  const bool glob = expected.is_string() && expected.str().starts_with('~');
  if (glob ? actual.is_string() && glob_matches(expected.str().substr(1), actual.str()) : expected == actual) {
    return std::nullopt;
  }
  return fmt::format("{}: expected {}, got {}", path, expected.is_null() ? "nothing" : to_json(expected),
                     actual.is_null() ? "nothing" : to_json(actual));
}

}  // namespace fairlead::control
