// The paths by which Argo CD's ignoreDifferences names fields.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::control {

/// Member names and array indexes; a step may also be "every element".
class FieldPath {
 public:
  /// RFC 6901: "/spec/rules/0/weight".
  [[nodiscard]] static Result<FieldPath> from_pointer(std::string_view text);
  /// The part of jq that names fields: `.spec.rules[].backendRefs[0].weight`, `.metadata.labels["a/b"]`. Anything more
  /// of the language is an error that names it.
  [[nodiscard]] static Result<FieldPath> from_jq(std::string_view text);

  /// Removes what the path names; nothing happens where it leads nowhere.
  void erase_from(Value& tree) const;
  /// Makes the fields of `to` that the path names equal to those of `from`: set, or removed where `from` has none.
  /// Where the parents differ in shape, nothing is copied.
  void copy(const Value& from, Value& to) const;

 private:
  struct Step {
    enum class Kind { kKey, kIndex, kEvery } kind = Kind::kKey;
    std::string key;
    std::size_t index = 0;
  };
  [[nodiscard]] static Value* child(Value& node, const Step& step, std::size_t element);
  void erase(Value& node, std::size_t depth) const;
  void copy(const Value& from, Value& to, std::size_t depth) const;

  std::vector<Step> steps_;
};

}  // namespace fairlead::control
