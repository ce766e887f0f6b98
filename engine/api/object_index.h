// The ordered maps under the store: by key, by UID, by owner.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/object.h"

namespace fairlead::api {

/// Namespace and name; compares with views of both.
struct NamePair {
  std::string ns;
  std::string name;
};
struct NameView {
  std::string_view ns;
  std::string_view name;
};
struct NameLess {
  using is_transparent = void;
  static NameView view(const NamePair& pair) { return {pair.ns, pair.name}; }
  static NameView view(const NameView& pair) { return pair; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    const NameView x = view(a);
    const NameView y = view(b);
    const int c = x.ns.compare(y.ns);
    return c != 0 ? c < 0 : x.name < y.name;
  }
};

/// Holds the newest state of every object. Every look-up is logarithmic.
class ObjectIndex {
 public:
  [[nodiscard]] ObjectPtr get(const Resource& resource, std::string_view ns, std::string_view name) const;
  void each(const Resource& resource, std::string_view ns, const std::function<bool(const ObjectPtr&)>& visit) const;
  [[nodiscard]] std::vector<ObjectPtr> owned(std::string_view uid) const;
  [[nodiscard]] ObjectPtr by_uid(std::string_view uid) const;
  [[nodiscard]] std::size_t count(const Resource& resource) const;

  /// Returns what stood there before, or null.
  ObjectPtr put(const Key& key, const ObjectPtr& object);
  /// Returns what was removed, or null.
  ObjectPtr remove(const Key& key);

 private:
  using Table = std::map<NamePair, ObjectPtr, NameLess>;

  [[nodiscard]] const Table* table(const Resource& resource) const;
  void link(const Key& key, const ObjectPtr& object);
  void unlink(const Key& key, const Object& object);

  std::vector<Table> tables_;  // By the resource's ordinal.
  std::map<std::string, ObjectPtr, std::less<>> by_uid_;
  std::map<std::string, std::set<Key>, std::less<>> by_owner_;
};

}  // namespace fairlead::api
