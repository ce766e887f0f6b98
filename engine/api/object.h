// An object as the store holds it: immutable and shared.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/value.h"
#include "engine/api/schema.h"

namespace fairlead::api {

/// Where an object lives. Ordered by resource ordinal, namespace, name.
struct Key {
  const Resource* resource = nullptr;  ///< The storage resource.
  std::string ns;                      ///< Empty for cluster-scoped kinds.
  std::string name;

  friend bool operator==(const Key&, const Key&) = default;
  friend std::strong_ordering operator<=>(const Key& a, const Key& b) {
    if (auto c = a.resource->ordinal <=> b.resource->ordinal; c != 0) return c;
    if (auto c = a.ns <=> b.ns; c != 0) return c;
    return a.name <=> b.name;
  }
  /// "deployments.apps default/web": for logs and messages.
  [[nodiscard]] std::string to_string() const;
};

/// Immutable after construction, so any thread may read it.
class Object {
 public:
  /// `tree` carries apiVersion, kind and metadata with its resourceVersion.
  Object(const Resource& resource, Value tree, std::uint64_t revision);

  [[nodiscard]] const Resource& resource() const { return *resource_; }
  [[nodiscard]] const Value& tree() const { return tree_; }
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  [[nodiscard]] std::string_view ns() const { return tree_.at("metadata", "namespace").str(); }
  [[nodiscard]] std::string_view name() const { return tree_.at("metadata", "name").str(); }
  [[nodiscard]] std::string_view uid() const { return tree_.at("metadata", "uid").str(); }
  [[nodiscard]] bool deleting() const { return tree_.at("metadata").has("deletionTimestamp"); }
  [[nodiscard]] std::string_view label(std::string_view key) const { return tree_.at("metadata", "labels", key).str(); }
  [[nodiscard]] std::string_view annotation(std::string_view key) const {
    return tree_.at("metadata", "annotations", key).str();
  }
  [[nodiscard]] Key key() const { return {resource_, std::string(ns()), std::string(name())}; }
  /// `at("spec", "replicas")`: short for tree().at(...).
  template <class... Steps>
  [[nodiscard]] const Value& at(const Steps&... steps) const {
    return tree_.at(steps...);
  }
  /// The tree as JSON, encoded on first use and kept.
  [[nodiscard]] const std::string& json() const;

 private:
  const Resource* resource_;
  Value tree_;
  std::uint64_t revision_;
  mutable std::once_flag encoded_;
  mutable std::string json_;
};

using ObjectPtr = std::shared_ptr<const Object>;

/// The tree alone, sharing the object's life: what seams take.
[[nodiscard]] inline std::shared_ptr<const Value> tree_of(const ObjectPtr& object) { return {object, &object->tree()}; }

}  // namespace fairlead::api
