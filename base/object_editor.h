// Many changes to one object, each found without looking at every member.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace fairlead {

/// Finds, adds and erases members of one object in logarithmic time where a Value looks at one member after the other,
/// which a request with tens of thousands of keys turns into minutes. What `erase` takes out is gone when the editor
/// is. While it lives nobody else adds members to the object or removes them, nor moves it.
class ObjectEditor {
 public:
  static constexpr std::size_t kScannedMembers = 16;  ///< Up to here, looking at each is quicker than an index.

  /// `object` is an object, or null and becomes one.
  explicit ObjectEditor(Value& object);
  ~ObjectEditor();
  ObjectEditor(const ObjectEditor&) = delete;
  ObjectEditor& operator=(const ObjectEditor&) = delete;

  /// Null when there is none. Valid until the next member is added.
  [[nodiscard]] Value* find(std::string_view key);
  /// The member called `key`, added as null when missing.
  Value& operator[](std::string_view key);
  void erase(std::string_view key);

  /// Members that were looked at, indexed or moved so far.
  [[nodiscard]] std::size_t work() const { return work_; }

 private:
  [[nodiscard]] bool indexed();

  Value::Object& members_;
  std::map<std::string, std::size_t, std::less<>> places_;  // Empty until there is an index.
  std::vector<std::size_t> erased_;
  bool indexed_ = false;
  std::size_t work_ = 0;
};

}  // namespace fairlead
