#include "engine/control/application_diff.h"

#include <algorithm>

#include "base/json.h"
#include "engine/api/schema_type.h"

namespace fairlead::control {
namespace {

bool matches(std::string_view pattern, std::string_view text) { return pattern == "*" || pattern == text; }

const Value* element_with(const Value& list, std::string_view key, const Value& value) {
  for (const Value& element : list.items())
    if (element.at(key) == value) return &element;
  return nullptr;
}

/// Whether every element has a value of its own under the key by which the list merges.
bool is_told_apart(const Value& list, std::string_view key) {
  return std::ranges::all_of(list.items(), [&](const Value& element) {
    return element.has(key) && element_with(list, key, element.at(key)) == &element;
  });
}

Value removals(const api::Type* type, const Value& last, const Value& target, const Value& live);

/// Elements that Git dropped, and what it dropped from those that it kept. What somebody else added stays, and of what
/// somebody else took away there is nothing to remove.
Value list_removals(const api::Type& type, const Value& last, const Value& target, const Value& live) {
  Value out = Value::array();
  for (const Value& element : last.items()) {
    const Value& name = element.at(type.merge_key);
    const Value* present = element_with(live, type.merge_key, name);
    if (present == nullptr) continue;
    const Value* kept = element_with(target, type.merge_key, name);
    Value patch =
        kept == nullptr ? Value::object({{"$patch", "delete"}}) : removals(type.element, element, *kept, *present);
    if (patch.empty()) continue;
    patch.set(type.merge_key, name);
    out.push_back(std::move(patch));
  }
  return out;
}

/// What must go from `live` before `target` is laid over it: what was applied before and is no longer wanted.
/// Lists that merge do so element by element; one whose elements cannot be told apart by their key is taken whole.
/// Source: apimachinery/pkg/util/strategicpatch, CreateThreeWayMergePatch.
Value removals(const api::Type* type, const Value& last, const Value& target, const Value& live) {
  Value out = Value::object();
  for (const Member& member : last.members()) {
    const Value* present = live.find(member.key);
    if (present == nullptr) continue;
    const Value* wanted = target.find(member.key);
    const api::Type* inner = type == nullptr ? nullptr : type->member(member.key);
    if (wanted == nullptr) {
      out.set(member.key, nullptr);
    } else if (member.value.is_object() && wanted->is_object()) {
      if (Value below = removals(inner, member.value, *wanted, *present); !below.empty())
        out.set(member.key, std::move(below));
    } else if (member.value.is_array() && wanted->is_array() && inner != nullptr && inner->patch_merge &&
               !(*wanted == member.value)) {
      const std::string_view key = inner->merge_key;
      Value gone = Value::array();
      if (key.empty()) {
        for (const Value& item : member.value.items())
          if (std::ranges::find(wanted->items(), item) == wanted->items().end()) gone.push_back(item);
        if (!gone.empty()) out.set("$deleteFromPrimitiveList/" + member.key, std::move(gone));
      } else if (is_told_apart(member.value, key) && is_told_apart(*wanted, key)) {
        gone = list_removals(*inner, member.value, *wanted, *present);
        if (!gone.empty()) out.set(member.key, std::move(gone));
      } else {
        out.set(member.key, nullptr);
      }
    }
  }
  return out;
}

void strip_server_fields(Value& object) {
  object.erase("status");
  if (Value* metadata = object.find("metadata")) {
    for (const char* field :
         {"resourceVersion", "generation", "uid", "creationTimestamp", "managedFields", "selfLink"}) {
      metadata->erase(field);
    }
    if (Value* annotations = metadata->find("annotations")) {
      annotations->erase(kLastApplied);
      if (annotations->empty()) metadata->erase("annotations");
    }
  }
}

}  // namespace

Result<IgnoredDifferences> IgnoredDifferences::parse(const Value& entries) {
  IgnoredDifferences out;
  for (const Value& entry : entries.items()) {
    if (!entry.at("managedFieldsManagers").empty()) {
      return fail("ignoreDifferences by managedFieldsManagers is not supported here: name the fields instead");
    }
    Entry parsed{std::string(entry.at("group").str()),
                 std::string(entry.at("kind").str()),
                 std::string(entry.at("namespace").str()),
                 std::string(entry.at("name").str()),
                 {}};
    for (const Value& pointer : entry.at("jsonPointers").items()) {
      auto path = FieldPath::from_pointer(pointer.str());
      if (!path) return std::unexpected(path.error());
      parsed.paths.push_back(std::move(*path));
    }
    for (const Value& expression : entry.at("jqPathExpressions").items()) {
      auto path = FieldPath::from_jq(expression.str());
      if (!path) return std::unexpected(path.error());
      parsed.paths.push_back(std::move(*path));
    }
    out.entries_.push_back(std::move(parsed));
  }
  return out;
}

std::vector<const FieldPath*> IgnoredDifferences::paths(const api::Resource& resource, const Value& object) const {
  std::vector<const FieldPath*> out;
  for (const Entry& entry : entries_) {
    const bool named = (entry.ns.empty() || entry.ns == object.at("metadata", "namespace").str()) &&
                       (entry.name.empty() || entry.name == object.at("metadata", "name").str());
    if (!named || !matches(entry.group, resource.group) || !matches(entry.kind, resource.kind)) continue;
    for (const FieldPath& path : entry.paths) out.push_back(&path);
  }
  return out;
}

Result<Value> three_way_merge(const api::Schema& schema, const api::Resource& resource, const Value& live,
                              const Value& target) {
  Value last;
  if (const std::string_view text = live.at("metadata", "annotations", kLastApplied).str(); !text.empty()) {
    // An annotation that somebody broke counts as none: then nothing is known to be removed.
    if (auto parsed = parse_json(text)) last = std::move(*parsed);
  }
  auto merged = schema.strategic_merge(resource, live, removals(resource.type, last, target, live));
  if (!merged) return merged;
  Value wanted = target;
  wanted.erase("status");
  merged = schema.strategic_merge(resource, std::move(*merged), wanted);
  if (!merged) return merged;
  schema.apply_defaults(resource, *merged);
  return merged;
}

Result<bool> in_sync(const api::Schema& schema, const api::Resource& resource, const Value& live, const Value& target,
                     const std::vector<const FieldPath*>& ignored) {
  auto predicted = three_way_merge(schema, resource, live, target);
  if (!predicted) return std::unexpected(predicted.error());
  Value actual = live;
  for (const FieldPath* path : ignored) {
    path->erase_from(*predicted);
    path->erase_from(actual);
  }
  strip_server_fields(*predicted);
  strip_server_fields(actual);
  return *predicted == actual;
}

Value with_last_applied(Value target) {
  Value& annotations = target.make("metadata", "annotations");
  annotations.erase(kLastApplied);
  if (annotations.empty()) target["metadata"].erase("annotations");
  const std::string text = to_json(target) + "\n";
  target.make("metadata", "annotations").set(kLastApplied, text);
  return target;
}

}  // namespace fairlead::control
