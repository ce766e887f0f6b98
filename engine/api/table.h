// What `kubectl get` prints: meta.k8s.io Table, one row per object.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/api/object.h"

namespace fairlead::api {

/// What a row carries beside its cells; the query parameter includeObject.
enum class IncludeObject : std::uint8_t { kMetadata, kNone, kObject };

/// ListMeta of an answer.
struct ListMeta {
  std::uint64_t revision = 0;
  std::string continue_token;              ///< Empty: this is the end.
  std::optional<std::uint64_t> remaining;  ///< Objects after this page, where that is known.

  /// {"resourceVersion":"7","continue":"…"}
  void append_json(std::string& out) const;
};

/// Writes tables of one resource, by Resource::columns: the cells of built-in kinds are computed as upstream computes
/// them, others by their JSONPath. Any thread.
class TableWriter {
 public:
  /// `served` is the resource that was asked for; it outlives the writer. `version` is "v1" or "v1beta1".
  TableWriter(const Resource& served, std::string version, IncludeObject include, Time now);

  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] Value::Array cells(const Object& object) const;

  /// A whole Table. `with_columns` is false for all but the first event of a watch.
  void append(std::string& out, std::span<const ObjectPtr> objects, const ListMeta& meta, bool with_columns) const;

 private:
  void append_columns(std::string& out) const;
  void append_row(std::string& out, const Object& object) const;

  const Resource& served_;
  std::string version_;
  IncludeObject include_;
  Time now_;
  const std::vector<Column>& columns_;
  Value::Array (*computed_)(const Value&, Time) = nullptr;
};

/// {"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{…}}
void append_partial_metadata(std::string& out, const Object& object, std::string_view version);

}  // namespace fairlead::api
