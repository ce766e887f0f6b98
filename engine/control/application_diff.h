// What an Application's manifests would change about the objects that are live.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"
#include "engine/api/schema.h"
#include "engine/control/field_path.h"

namespace fairlead::control {

inline constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/// spec.ignoreDifferences, parsed. Source: argo-cd util/argo/normalizers/diff_normalizer.go.
class IgnoredDifferences {
 public:
  /// An error names the entry that cannot be followed; managedFieldsManagers are such.
  [[nodiscard]] static Result<IgnoredDifferences> parse(const Value& entries);

  /// Paths that apply to one object.
  [[nodiscard]] std::vector<const FieldPath*> paths(const api::Resource& resource, const Value& object) const;

 private:
  struct Entry {
    std::string group;
    std::string kind;
    std::string ns;
    std::string name;
    std::vector<FieldPath> paths;
  };
  std::vector<Entry> entries_;
};

/// What `live` becomes when `target` is applied over it: fields of `target` are set, fields that were applied before
/// (by the last-applied annotation) and are no longer in `target` go, everything else stays. Defaults are filled in.
/// Lists merge by the schema's keys, as client-side apply does. Source: kubectl's three-way merge, which Argo CD uses.
[[nodiscard]] Result<Value> three_way_merge(const api::Schema& schema, const api::Resource& resource, const Value& live,
                                            const Value& target);

/// Whether applying `target` would change `live` in a field that is not ignored.
[[nodiscard]] Result<bool> in_sync(const api::Schema& schema, const api::Resource& resource, const Value& live,
                                   const Value& target, const std::vector<const FieldPath*>& ignored);

/// `target` with its last-applied annotation.
[[nodiscard]] Value with_last_applied(Value target);

}  // namespace fairlead::control
