// What upstream checks of custom resources besides their schema.
// Source: apiextensions-apiserver/pkg/registry/customresource/validator.go.
#include <limits>

#include "engine/api/scale.h"
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

void check_custom(const Resource& resource, const Value& object, Findings& findings) {
  check_limits(*resource.type, object, "", findings);
  if (!resource.has_scale) return;
  check_replicas(object, resource.scale.spec_replicas, findings);
  check_replicas(object, resource.scale.status_replicas, findings);
}

}  // namespace fairlead::api
