// Strategic merge patch. Source: apimachinery/pkg/util/strategicpatch/patch.go, mergeMap and what it calls.
#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "base/object_editor.h"
#include "engine/api/element_index.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kSetOrder = "$setElementOrder/";
constexpr std::string_view kDeleteScalars = "$deleteFromPrimitiveList/";

using List = Value::Array;

/// The type of a member: of a struct's field, of any key of a map; null where the table knows nothing.
std::string_view merge_key_of(const Type* type) { return type == nullptr ? std::string_view{} : type->merge_key; }

/// The elements of a list, for what a patch names.
class Elements {
 public:
  Elements(const List& list, const List& patch, const Type& type)
      : patch_(patch, type.merge_key),
        by_merge_key_(list, type.merge_key),
        by_list_keys_(list, [&type](const Value& element) { return element_identity(element, type); }) {}

  /// The element that `item` of the patch means. The merge key alone may name several (port 53 of UDP and of TCP):
  /// upstream takes the first of them and loses one, here the keys of the list tell them apart.
  [[nodiscard]] std::optional<std::size_t> meant_by(const Value& item) const {
    const bool clear = by_merge_key_.count(item) <= 1 && patch_.count(item) <= 1;
    return (clear ? by_merge_key_ : by_list_keys_).first(item);
  }

  void append(const Value& element) {
    by_merge_key_.append(element);
    by_list_keys_.append(element);
  }

 private:
  ElementIndex patch_;
  ElementIndex by_merge_key_;
  ElementIndex by_list_keys_;
};

/// Keeps the order of items that `order` does not name, after those it names.
void sort_by(List& items, const ElementIndex& order) {
  std::vector<std::pair<std::size_t, std::size_t>> places;
  places.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    places.emplace_back(order.first(items[i]).value_or(std::numeric_limits<std::size_t>::max()), i);
  std::ranges::sort(places);
  List sorted;
  sorted.reserve(items.size());
  for (const auto& [place, i] : places) sorted.push_back(std::move(items[i]));
  items = std::move(sorted);
}

/// Items that `order` names come in its order; the others keep their place relative to `server`, where both were.
List in_order(List merged, const List& order, const List& server, std::string_view merge_key) {
  const ElementIndex ordered(order, merge_key);
  const ElementIndex served(server, merge_key);
  List named;
  List rest;
  for (Value& item : merged) (ordered.contains(item) ? named : rest).push_back(std::move(item));
  sort_by(named, ordered);
  sort_by(rest, served);
  List out;
  out.reserve(named.size() + rest.size());
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < rest.size() || j < named.size()) {
    bool take_rest = j == named.size();
    if (!take_rest && i < rest.size()) {
      const auto left = served.first(rest[i]);
      const auto right = served.first(named[j]);
      take_rest = left && right && *left < *right;
    }
    out.push_back(take_rest ? std::move(rest[i++]) : std::move(named[j++]));
  }
  return out;
}

/// False when the whole value is a directive and must go.
bool drop_directives(Value& value) {
  if (value.is_object()) {
    if (value.has(kDirective)) return false;
    std::erase_if(value.mutable_members(), [](Member& member) { return !drop_directives(member.value); });
  } else if (value.is_array()) {
    std::erase_if(value.mutable_items(), [](Value& item) { return !drop_directives(item); });
  }
  return true;
}

void drop_nulls(Value& value) {
  if (!value.is_object()) return;
  std::erase_if(value.mutable_members(), [](const Member& member) { return member.value.is_null(); });
  for (Member& member : value.mutable_members()) drop_nulls(member.value);
}

Result<> merge_map(Value& original, Value patch, const Type* type);

Result<List> merge_objects(List original, List patch, const Type* type) {
  const std::string_view key = merge_key_of(type);
  if (key.empty()) return fail("cannot merge lists without merge key for {}", type->name);
  List plain;
  List doomed;
  bool replace = false;
  for (Value& item : patch) {
    const Value* directive = item.find(kDirective);
    if (directive == nullptr) {
      if (!item.has(key)) return fail("map: {} does not contain declared merge key: {}", item.kind_name(), key);
      plain.push_back(std::move(item));
    } else if (*directive == Value("replace")) {
      replace = true;
    } else if (*directive == Value("delete")) {
      if (!item.has(key)) return fail("the element to delete does not contain declared merge key: {}", key);
      doomed.push_back(std::move(item));
    } else {
      return fail("unknown patch type: {} in a list", directive->str());
    }
  }
  if (replace) return plain;
  const ElementIndex gone(doomed, key);
  std::erase_if(original, [&](const Value& element) { return gone.contains(element); });
  List merged = original;
  Elements elements(merged, plain, *type);
  for (Value& item : plain) {
    if (const auto at = elements.meant_by(item)) {
      if (auto done = merge_map(merged[*at], item, type->element); !done) return std::unexpected(done.error());
    } else {
      merged.push_back(item);
      elements.append(item);
    }
  }
  return in_order(std::move(merged), plain, original, key);
}

Result<List> merge_list(List original, List patch, const Type* type) {
  if (original.empty() && patch.empty()) return original;
  if ((original.empty() ? patch : original).front().is_object())
    return merge_objects(std::move(original), std::move(patch), type);
  List merged = original;
  ElementIndex present(merged, std::string_view());
  for (const Value& item : patch) {
    if (present.contains(item)) continue;
    merged.push_back(item);
    present.append(item);
  }
  return in_order(std::move(merged), patch, original, {});
}

/// Takes `$retainKeys` out of the patch and everything it does not name out of the original.
Result<> retain_keys(Value& original, Value& patch) {
  const Value* directive = patch.find(kRetainKeys);
  if (directive == nullptr) return {};
  if (!directive->is_array()) return fail("invalid patch format of retainKeys: it must be a list of field names");
  std::set<std::string, std::less<>> keep;
  for (const Value& key : directive->items()) keep.emplace(key.str());
  patch.erase(kRetainKeys);
  const auto kept = [&](std::string_view key) { return keep.contains(key); };
  for (const Member& member : patch.members()) {
    if (member.value.is_null() || member.key.starts_with('$') || kept(member.key)) continue;
    return fail("invalid patch format of retainKeys: {} is patched but not in the list", member.key);
  }
  std::erase_if(original.mutable_members(), [&](const Member& member) { return !kept(member.key); });
  return {};
}

/// Every element that the patch sets stands in `order`, in that order.
Result<> check_order(const List& items, const List& order, std::string_view key, std::string_view field) {
  if (items.empty() || order.empty()) return {};
  auto at = order.begin();
  for (const Value& item : items) {
    if (item.has(kDirective)) continue;
    const auto identity = element_identity(item, key);
    at = std::find_if(at, order.end(),
                      [&](const Value& named) { return identity && element_identity(named, key) == identity; });
    if (at == order.end()) return fail("the order in patch list {} doesn't match its $setElementOrder list", field);
    ++at;
  }
  return {};
}

/// One `$setElementOrder/<key>`, together with the list of the same name in the patch.
Result<> merge_ordered(ObjectEditor& original, ObjectEditor& patch, const Type* type, const std::string& key,
                       const Value& order) {
  const Type* list_type = type == nullptr ? nullptr : type->member(key);
  const std::string_view merge_key = merge_key_of(list_type);
  Value* mine = original.find(key);
  Value* theirs = patch.find(key);
  for (const Value* list : {static_cast<const Value*>(mine), static_cast<const Value*>(theirs), &order}) {
    if (list != nullptr && !list->is_array())
      return fail("{} must be a list where $setElementOrder/{} is given", key, key);
  }
  const List before = mine == nullptr ? List{} : mine->items();
  List merged = before;
  if (theirs != nullptr) {
    if (auto checked = check_order(theirs->items(), order.items(), merge_key, key); !checked) return checked;
    if (mine == nullptr) {
      drop_directives(*theirs);
      merged = theirs->items();
    } else if (list_type == nullptr || !list_type->patch_merge) {
      merged = theirs->items();
    } else {
      Result<List> both = merge_list(before, theirs->items(), list_type);
      if (!both) return std::unexpected(both.error());
      merged = *std::move(both);
    }
  } else if (mine == nullptr) {
    return {};
  }
  original[key] = Value(in_order(std::move(merged), order.items(), before, merge_key));
  patch.erase(key);
  return {};
}

Result<> merge_orders(ObjectEditor& original, Value& patch, const Type* type) {
  std::vector<std::pair<std::string, Value>> orders;
  for (const Member& member : patch.members()) {
    if (member.key.starts_with(kSetOrder)) orders.emplace_back(member.key.substr(kSetOrder.size()), member.value);
  }
  ObjectEditor rest(patch);
  for (const auto& [key, order] : orders) {
    rest.erase(std::string(kSetOrder) + key);
    if (auto done = merge_ordered(original, rest, type, key, order); !done) return done;
  }
  return {};
}

void take(ObjectEditor& original, const std::string& key, Value value) {
  drop_nulls(value);
  if (drop_directives(value)) {
    original[key] = std::move(value);
  } else {
    original.erase(key);
  }
}

Result<> merge_member(ObjectEditor& original, const std::string& key, Value value, const Type* type) {
  if (value.is_null()) {
    original.erase(key);
    return {};
  }
  Value* mine = original.find(key);
  if (mine == nullptr || mine->kind() != value.kind()) {
    take(original, key, std::move(value));
    return {};
  }
  const Type* inner = type == nullptr ? nullptr : type->member(key);
  const Field* field = type == nullptr || type->shape != Shape::kObject ? nullptr : type->field(key);
  if (value.is_object() && field != nullptr && field->patch_replace) {
    original[key] = std::move(value);
    return {};
  }
  if (value.is_object()) return merge_map(*mine, std::move(value), inner);
  if (!value.is_array() || inner == nullptr || !inner->patch_merge) {
    original[key] = std::move(value);
    return {};
  }
  Result<List> merged = merge_list(mine->items(), value.items(), inner);
  if (!merged) return std::unexpected(merged.error());
  *mine = Value(*std::move(merged));
  return {};
}

void delete_scalars(ObjectEditor& original, std::string_view key, const Value& doomed) {
  Value* list = original.find(key);
  if (list == nullptr || !list->is_array()) return;
  const ElementIndex gone(doomed.items(), std::string_view());
  std::erase_if(list->mutable_items(), [&](const Value& item) { return gone.contains(item); });
}

Result<> merge_map(Value& original, Value patch, const Type* type) {
  if (const Value* directive = patch.find(kDirective)) {
    if (*directive == Value("replace")) {
      patch.erase(kDirective);
      original = std::move(patch);
      return {};
    }
    if (*directive != Value("delete")) return fail("unknown patch type: {}", directive->str());
    original = Value::object();
    return {};
  }
  if (original.is_null()) original = Value::object();
  if (auto done = retain_keys(original, patch); !done) return done;
  ObjectEditor members(original);
  if (auto done = merge_orders(members, patch, type); !done) return done;
  for (Member& member : patch.mutable_members()) {
    if (member.key.starts_with(kDeleteScalars)) {
      delete_scalars(members, std::string_view(member.key).substr(kDeleteScalars.size()), member.value);
    } else if (auto done = merge_member(members, member.key, std::move(member.value), type); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace

Result<Value> Schema::strategic_merge(const Resource& resource, Value current, const Value& patch) const {
  if (!patch.is_object()) return fail("the patch must be an object, not {}", patch.kind_name());
  if (auto done = merge_map(current, patch, resource.type); !done) return std::unexpected(done.error());
  return current;
}

}  // namespace fairlead::api
