// Which elements of a list are the same one, for strategic merge patches.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/value.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {

/// A text that two elements of a list share exactly when a patch means the same one by them: objects by the member
/// `merge_key`, everything else (and objects where `merge_key` is empty) as a whole. Nothing for an object without
/// that member: it is the same as no other.
[[nodiscard]] std::optional<std::string> element_identity(const Value& element, std::string_view merge_key);

/// The same by every key of lists of type `type`, with defaults where a key is absent: what tells port 53 of UDP from
/// port 53 of TCP. Nothing where there is no element_identity.
[[nodiscard]] std::optional<std::string> element_identity(const Value& element, const Type& type);

/// Finds elements of a list in constant time; lists that clients send may be long.
class ElementIndex {
 public:
  using Identity = std::function<std::optional<std::string>(const Value&)>;

  /// By `identity`, whose answer for an element must not change while it is indexed.
  ElementIndex(const Value::Array& list, Identity identity);
  ElementIndex(const Value::Array& list, std::string_view merge_key);

  /// `element` was appended to the list.
  void append(const Value& element);
  /// The place of the first one that is the same as `element`.
  [[nodiscard]] std::optional<std::size_t> first(const Value& element) const;
  [[nodiscard]] bool contains(const Value& element) const { return first(element).has_value(); }
  /// How many are the same as `element`.
  [[nodiscard]] std::size_t count(const Value& element) const;

 private:
  struct Found {
    std::size_t first = 0;
    std::size_t count = 0;
  };

  Identity identity_;
  std::unordered_map<std::string, Found> found_;
  std::size_t size_ = 0;
};

}  // namespace fairlead::api
