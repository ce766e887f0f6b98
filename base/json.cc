#include "base/json.h"

#include <algorithm>
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
    case element_type::STRING:
      out = Value(std::string_view(element));
      return true;
    case element_type::INT64:
      out = Value(std::int64_t(element));
      return true;
    // Upstream's decoder (sigs.k8s.io/json) also gives a float where int64 is too small.
    case element_type::UINT64:
      out = Value(static_cast<double>(std::uint64_t(element)));
      return true;
    case element_type::DOUBLE:
      out = Value(double(element));
      return true;
    case element_type::BOOL:
      out = Value(bool(element));
      return true;
    case element_type::NULL_VALUE:
      out = Value();
      return true;
  }
  return false;
}

Error explain(std::string_view text, std::string_view file, std::string_view otherwise) {
  if (auto found = find_json_error(text, file)) return *std::move(found);
  return Error{fmt::format("not acceptable as JSON: {}", otherwise), std::string(file)};
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

}  // namespace fairlead
