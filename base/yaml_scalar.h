// What a YAML scalar means to Kubernetes.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/value.h"

namespace fairlead {

/// The value of a scalar with `tag` (long form, empty where there is none and the scalar is plain). The error has no
/// position. Source: sigs.k8s.io/yaml goyaml.v2/resolve.go, then its way through JSON: an integral float is an integer,
/// NaN and infinities are refused.
[[nodiscard]] Result<Value> resolve_yaml_scalar(std::string_view tag, std::string_view text);

/// The object key that a scalar used as a key becomes: `1: x` has the key "1", `on: x` the key "true".
/// Source: sigs.k8s.io/yaml convertToJSONableObject.
[[nodiscard]] Result<std::string> yaml_key(const Value& scalar);

/// True when this or another common YAML reader would take the plain scalar for something else than a string.
[[nodiscard]] bool is_ambiguous_yaml(std::string_view text);

}  // namespace fairlead
