// The defaults that upstream sets under a condition (k8s.io/kubernetes, pkg/apis/*/v1/defaults.go). Those without one are
// rows of schema/defaults.txt and stand in the table.
#pragma once

#include <string_view>

#include "base/value.h"
#include "engine/api/schema.h"

namespace fairlead::api {

/// Sets what depends on other fields of the same struct, before the struct's own fields get their defaults.
/// `type` is upstream's name, "io.k8s.api.core.v1.ServiceSpec"; names without conditional defaults are left alone.
void apply_conditional_defaults(std::string_view type, Value& value);

/// Sets what depends on the kind as a whole: a Pod's requests from its limits, a workload's labels from its template.
void apply_kind_defaults(const Resource& resource, Value& object);

}  // namespace fairlead::api
