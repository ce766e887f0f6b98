#include "base/json.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <vector>

#include <simdjson.h>

#include "base/json_duplicates.h"
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

enum class Twice : std::uint8_t { kRefuse, kKeep };

/// False where the text must be refused; why is found out afterwards, by find_json_error.
bool build(const simdjson::dom::element& element, std::size_t depth, Twice twice, Value& out) {
  switch (element.type()) {
    case element_type::OBJECT: {
      if (depth >= kMaxJsonDepth) return false;
      Value::Object members;
      for (const auto [key, child] : simdjson::dom::object(element)) {
        Member& member = members.emplace_back(Member{std::string(key), Value()});
        if (!build(child, depth + 1, twice, member.value)) return false;
      }
      if (twice == Twice::kRefuse && has_duplicate_key(members)) return false;
      out = Value(std::move(members));
      return true;
    }
    case element_type::ARRAY: {
      if (depth >= kMaxJsonDepth) return false;
      Value::Array items;
      for (const auto child : simdjson::dom::array(element)) {
        if (!build(child, depth + 1, twice, items.emplace_back())) return false;
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

/// Leaves of members with the same key the last, at the first one's place.
class LastWins {
 public:
  explicit LastWins(std::vector<std::string>& duplicates) : duplicates_(duplicates) {}

  void node(Value& value) {
    if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) below(fmt::format("[{}]", i), value.mutable_items()[i]);
    } else if (value.is_object()) {
      object(value.mutable_members());
    }
  }

 private:
  void object(Value::Object& members) {
    if (has_duplicate_key(members)) members = unique(std::move(members));
    for (Member& member : members) below(path_.empty() ? member.key : "." + member.key, member.value);
  }

  Value::Object unique(Value::Object members) {
    Value::Object kept;
    std::unordered_map<std::string, std::size_t> places;
    for (Member& member : members) {
      const auto [at, first] = places.try_emplace(member.key, kept.size());
      if (first) {
        kept.push_back(std::move(member));
        continue;
      }
      kept[at->second].value = std::move(member.value);
      const std::string path = path_.empty() ? member.key : fmt::format("{}.{}", path_, member.key);
      if (duplicates_.size() < kMaxDuplicateKeys && std::ranges::find(duplicates_, path) == duplicates_.end())
        duplicates_.push_back(path);
    }
    return kept;
  }

  void below(const std::string& step, Value& value) {
    const std::size_t before = path_.size();
    path_ += step;
    node(value);
    path_.resize(before);
  }

  std::vector<std::string>& duplicates_;
  std::string path_;
};

Result<Value> parse(std::string_view text, std::string_view file, Twice twice) {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) return fail("JSON text over 4 GiB");
  thread_local simdjson::dom::parser shared;
  simdjson::dom::parser own;
  simdjson::dom::parser& parser = text.size() <= kSharedParserBytes ? shared : own;
  simdjson::dom::element root;
  const auto error = parser.parse(text.data(), text.size()).get(root);
  if (error != simdjson::SUCCESS) return std::unexpected(explain(text, file, simdjson::error_message(error)));
  Value value;
  if (!build(root, 0, twice, value)) return std::unexpected(explain(text, file, "unknown reason"));
  return value;
}

}  // namespace

Result<Value> parse_json(std::string_view text, std::string_view file) { return parse(text, file, Twice::kRefuse); }

Result<Value> parse_json_last_wins(std::string_view text, std::vector<std::string>& duplicates) {
  auto value = parse(text, {}, Twice::kKeep);
  if (value) LastWins(duplicates).node(*value);
  return value;
}

}  // namespace fairlead
