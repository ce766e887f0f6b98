// YAML as Kubernetes reads it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead {

inline constexpr std::size_t kMaxYamlDepth = 100;
inline constexpr std::size_t kMaxYamlNodes = 2'000'000;  ///< Per text, after aliases are expanded.

/// Reads every document of `text`; empty ones are left out. Scalars resolve as sigs.k8s.io/yaml resolves them (YAML 1.1
/// booleans `yes`/`on` included, timestamps stay strings); anchors, aliases and merge keys are expanded. Duplicate
/// keys, depth over kMaxYamlDepth, non-scalar keys and alias bombs are errors with file, line and column.
[[nodiscard]] Result<std::vector<Value>> parse_yaml(std::string_view text, std::string_view file);

/// One document, keys in their order, strings quoted only where a reader would take them for something else.
[[nodiscard]] std::string to_yaml(const Value& value);

}  // namespace fairlead
