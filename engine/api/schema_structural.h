// The OpenAPI schemas of CustomResourceDefinitions. Source: apiextensions-apiserver/pkg/apiserver/schema (structural
// schemas), pkg/apis/apiextensions/validation.
#pragma once

#include <cstddef>
#include <string>

#include "engine/api/schema_validate.h"

namespace fairlead::api {

/// "spec.versions[0].schema.openAPIV3Schema"
[[nodiscard]] std::string structural_path(std::size_t version);

/// The type that the schema of one version describes, kept in `table`. What a structural schema may not say is found
/// with its place below `path`; the type is usable when nothing was.
[[nodiscard]] Type& structural_type(const Value& schema, const std::string& path, Schema::Table& table,
                                    Findings& findings);

}  // namespace fairlead::api
