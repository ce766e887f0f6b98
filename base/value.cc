#include "base/value.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

namespace fairlead {
namespace {

const Value kNull;
const Value::Array kNoItems;
const Value::Object kNoMembers;

/// Up to this many members, looking at each for each is cheaper than an index.
constexpr std::size_t kPairwiseMembers = 16;

/// Both have the same number of members. Most trees that are compared are versions of one object, so members mostly
/// stand in the same place.
bool same_members(const Value::Object& a, const Value::Object& b) {
  std::size_t at = 0;
  while (at < a.size() && a[at].key == b[at].key) {
    if (!(a[at].value == b[at].value)) return false;
    ++at;
  }
  const std::span rest_of_a = std::span(a).subspan(at);
  const std::span rest_of_b = std::span(b).subspan(at);
  if (rest_of_a.size() <= kPairwiseMembers) {
    return std::ranges::all_of(rest_of_a, [&](const Member& m) {
      const auto other = std::ranges::find(rest_of_b, m.key, &Member::key);
      return other != rest_of_b.end() && m.value == other->value;
    });
  }
  std::map<std::string_view, const Value*> others;
  for (const Member& m : rest_of_b) others.emplace(m.key, &m.value);
  return std::ranges::all_of(rest_of_a, [&](const Member& m) {
    const auto other = others.find(m.key);
    return other != others.end() && m.value == *other->second;
  });
}

}  // namespace

Value Value::object(std::initializer_list<Member> members) { return Value(Object(members)); }

Value Value::array(std::initializer_list<Value> items) { return Value(Array(items)); }

std::string_view Value::kind_name() const {
  static constexpr std::array<std::string_view, 7> kNames = {"null",   "boolean", "integer", "number",
                                                             "string", "array",   "object"};
  return kNames.at(data_.index());
}

bool Value::bool_or(bool otherwise) const {
  const bool* v = std::get_if<bool>(&data_);
  return v != nullptr ? *v : otherwise;
}

std::int64_t Value::int_or(std::int64_t otherwise) const {
  const std::int64_t* v = std::get_if<std::int64_t>(&data_);
  return v != nullptr ? *v : otherwise;
}

double Value::number_or(double otherwise) const {
  if (const auto* v = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*v);
  const double* v = std::get_if<double>(&data_);
  return v != nullptr ? *v : otherwise;
}

std::string_view Value::string_or(std::string_view otherwise) const {
  const std::string* v = std::get_if<std::string>(&data_);
  return v != nullptr ? std::string_view(*v) : otherwise;
}

const Value::Array& Value::items() const {
  const Array* v = std::get_if<Array>(&data_);
  return v != nullptr ? *v : kNoItems;
}

const Value::Object& Value::members() const {
  const Object* v = std::get_if<Object>(&data_);
  return v != nullptr ? *v : kNoMembers;
}

std::size_t Value::size() const { return is_array() ? items().size() : members().size(); }

const Value* Value::find(std::string_view key) const {
  const Object& all = members();
  const auto it = std::ranges::find(all, key, &Member::key);
  return it == all.end() ? nullptr : &it->value;
}

Value* Value::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

Value& Value::operator[](std::string_view key) {
  if (is_null()) data_ = Object();
  FAIRLEAD_ASSERT(is_object());
  if (Value* found = find(key)) return *found;
  return std::get<Object>(data_).emplace_back(Member{std::string(key), Value()}).value;
}

Value& Value::set(std::string_view key, Value value) {
  (*this)[key] = std::move(value);
  return *this;
}

bool Value::erase(std::string_view key) {
  Object* all = std::get_if<Object>(&data_);
  return all != nullptr && std::erase_if(*all, [&](const Member& m) { return m.key == key; }) > 0;
}

Value& Value::push_back(Value item) {
  if (is_null()) data_ = Array();
  return mutable_items().emplace_back(std::move(item));
}

Value::Array& Value::mutable_items() {
  FAIRLEAD_ASSERT(is_array());
  return std::get<Array>(data_);
}

Value::Object& Value::mutable_members() {
  FAIRLEAD_ASSERT(is_object());
  return std::get<Object>(data_);
}

bool operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    return a.is_int() && b.is_int() ? a.int_or(0) == b.int_or(0) : a.number_or(0) == b.number_or(0);
  }
  if (a.kind() != b.kind()) return false;
  if (a.is_object()) return a.size() == b.size() && same_members(a.members(), b.members());
  if (a.is_array()) return a.items() == b.items();
  if (a.is_string()) return a.str() == b.str();
  return a.bool_or(false) == b.bool_or(false);
}

Error Value::error(std::string message, std::string_view file) const {
  return Error{std::move(message), std::string(file), line_, column_};
}

const Value& Value::step(std::string_view key) const {
  const Value* found = find(key);
  return found != nullptr ? *found : kNull;
}

const Value& Value::step_index(std::size_t index) const {
  const Array& all = items();
  return index < all.size() ? all[index] : kNull;
}

}  // namespace fairlead
