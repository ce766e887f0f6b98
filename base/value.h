// Value: the one tree that YAML, JSON and protobuf are read into. It remembers where each node stood in its source.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace fairlead {

class Value;

/// A template only so that it may hold a Value before Value is complete.
template <class V>
struct BasicMember {
  std::string key;
  V value;
};
/// One entry of an object.
using Member = BasicMember<Value>;

/// A JSON-shaped tree with value semantics. Objects keep the order in which members were added and hold each key once.
/// Reading is total: asking a node for something that is not there gives the null node or the given default, never UB.
class Value {
 public:
  using Array = std::vector<Value>;
  using Object = std::vector<Member>;
  enum class Kind : std::uint8_t { kNull, kBool, kInt, kDouble, kString, kArray, kObject };

  Value() = default;
  Value(std::nullptr_t) {}     // NOLINT(google-explicit-constructor)
  Value(bool v) : data_(v) {}  // NOLINT(google-explicit-constructor)
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Value(T v) : data_(static_cast<std::int64_t>(v)) {}   // NOLINT(google-explicit-constructor)
  Value(double v) : data_(v) {}                         // NOLINT(google-explicit-constructor)
  Value(std::string v) : data_(std::move(v)) {}         // NOLINT(google-explicit-constructor)
  Value(std::string_view v) : data_(std::string(v)) {}  // NOLINT(google-explicit-constructor)
  Value(const char* v) : data_(std::string(v)) {}       // NOLINT(google-explicit-constructor)
  Value(Array v) : data_(std::move(v)) {}               // NOLINT(google-explicit-constructor)
  Value(Object v) : data_(std::move(v)) {}              // NOLINT(google-explicit-constructor)

  /// `Value::object({{"kind", "Pod"}, {"metadata", Value::object({{"name", "a"}})}})`
  [[nodiscard]] static Value object(std::initializer_list<Member> members = {});
  [[nodiscard]] static Value array(std::initializer_list<Value> items = {});

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(data_.index()); }
  [[nodiscard]] bool is_null() const { return kind() == Kind::kNull; }
  [[nodiscard]] bool is_bool() const { return kind() == Kind::kBool; }
  [[nodiscard]] bool is_int() const { return kind() == Kind::kInt; }
  [[nodiscard]] bool is_double() const { return kind() == Kind::kDouble; }
  [[nodiscard]] bool is_number() const { return is_int() || is_double(); }
  [[nodiscard]] bool is_string() const { return kind() == Kind::kString; }
  [[nodiscard]] bool is_array() const { return kind() == Kind::kArray; }
  [[nodiscard]] bool is_object() const { return kind() == Kind::kObject; }
  /// "null", "boolean", "integer", "number", "string", "array", "object": for messages.
  [[nodiscard]] std::string_view kind_name() const;

  [[nodiscard]] bool bool_or(bool otherwise) const;
  [[nodiscard]] std::int64_t int_or(std::int64_t otherwise) const;
  /// Integers count as numbers.
  [[nodiscard]] double number_or(double otherwise) const;
  /// A view into this node (or of `otherwise`): valid while both live.
  [[nodiscard]] std::string_view string_or(std::string_view otherwise) const;
  /// The string, or "" for anything else.
  [[nodiscard]] std::string_view str() const { return string_or({}); }

  /// Elements of an array; empty for anything else.
  [[nodiscard]] const Array& items() const;
  /// Members of an object; empty for anything else.
  [[nodiscard]] const Object& members() const;
  /// Number of elements or members; 0 for scalars.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }

  /// The member called `key`, or null pointer.
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] Value* find(std::string_view key);
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

  /// The node at the end of a path of member names and array indexes: `pod.at("spec", "containers", 0, "name")`.
  /// The null node when any step is missing.
  template <class... Steps>
  [[nodiscard]] const Value& at(const Steps&... steps) const {
    const Value* node = this;
    ((node = &node->step(steps)), ...);
    return *node;
  }

  /// The member called `key`, added as null when missing. A null node becomes an object; anything else is a bug.
  Value& operator[](std::string_view key);
  /// The node at the end of a path of member names, objects created on the way: `v.make("metadata", "labels")`.
  template <class... Keys>
  Value& make(const Keys&... keys) {
    Value* node = this;
    ((node = &(*node)[keys]), ...);
    return *node;
  }
  /// Sets a member and returns this node, for chaining.
  Value& set(std::string_view key, Value value);
  /// Removes a member; false when there was none.
  bool erase(std::string_view key);
  /// Appends to an array; a null node becomes an array.
  Value& push_back(Value item);
  /// The array or object itself, to change in place; the node must be of that kind.
  [[nodiscard]] Array& mutable_items();
  [[nodiscard]] Object& mutable_members();

  /// Equality as data: member order and source positions do not count; 1 and 1.0 are equal.
  friend bool operator==(const Value& a, const Value& b);

  [[nodiscard]] std::uint32_t line() const { return line_; }
  [[nodiscard]] std::uint32_t column() const { return column_; }
  void set_position(std::uint32_t line, std::uint32_t column) {
    line_ = line;
    column_ = column;
  }
  /// An error at this node's place in `file`.
  [[nodiscard]] Error error(std::string message, std::string_view file = {}) const;

 private:
  [[nodiscard]] const Value& step(std::string_view key) const;
  [[nodiscard]] const Value& step(const char* key) const { return step(std::string_view(key)); }
  [[nodiscard]] const Value& step(const std::string& key) const { return step(std::string_view(key)); }
  template <std::integral T>
  [[nodiscard]] const Value& step(T index) const {
    return step_index(static_cast<std::size_t>(index));
  }
  [[nodiscard]] const Value& step_index(std::size_t index) const;

  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
  std::uint32_t line_ = 0;
  std::uint32_t column_ = 0;
};

}  // namespace fairlead
