// What upstream checks of custom resources besides their schema.
// Sources: apiextensions-apiserver/pkg/registry/customresource/validator.go, pkg/apiserver/schema/objectmeta.
#include <algorithm>
#include <limits>

#include "engine/api/scale.h"
#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

void check_replicas(const Value& object, const std::string& path, Findings& findings) {
  const Value& count = node_at(object, path);
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (count.is_null()) return;
  if (!count.is_int()) return findings.invalid(path, Value(0), fmt::format("{} accessor error: is no integer", path));
  if (count.int_or(0) < 0) return findings.invalid(path, count, "should be a non-negative integer");
  if (count.int_or(0) > kMost) findings.invalid(path, count, fmt::format("should be less than or equal to {}", kMost));
}

}  // namespace

void check_embedded(const Value& value, const std::string& path, Findings& findings) {
  const std::string version_path = child_path(path, "apiVersion");
  const std::string kind_path = child_path(path, "kind");
  if (const Value* version = value.find("apiVersion"); version == nullptr) {
    findings.required(version_path);
  } else if (!version->is_string()) {
    findings.invalid(version_path, *version, "must be a string");
  } else if (version->str().empty()) {
    findings.invalid(version_path, *version, "must not be empty");
  } else if (std::ranges::count(version->str(), '/') > 1) {
    findings.invalid(version_path, *version, fmt::format("unexpected GroupVersion string: {}", version->str()));
  }
  if (const Value* kind = value.find("kind"); kind == nullptr) {
    findings.required(kind_path);
  } else if (!kind->is_string()) {
    findings.invalid(kind_path, *kind, "must be a string");
  } else if (kind->str().empty()) {
    findings.invalid(kind_path, *kind, "must not be empty");
  } else if (const std::string why = bad_kind(kind->str()); !why.empty()) {
    findings.invalid(kind_path, *kind, why);
  }
  const Value& metadata = value.at("metadata");
  const std::string metadata_path = child_path(path, "metadata");
  if (const std::string why = bad_path_segment(metadata.at("name").str()); metadata.has("name") && !why.empty())
    findings.invalid(metadata_path + ".name", metadata.at("name"), why);
  check_labels(metadata.at("labels"), metadata_path + ".labels", findings);
}

void check_custom(const Resource& resource, const Value& object, Findings& findings) {
  check_limits(*resource.type, object, "", findings);
  if (!resource.has_scale) return;
  check_replicas(object, resource.scale.spec_replicas, findings);
  check_replicas(object, resource.scale.status_replicas, findings);
}

}  // namespace fairlead::api
