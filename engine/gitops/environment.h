// Environment files: the one reader of infrastructure/environments/<env>.yaml and
// infrastructure/apps/<service>/needs.yaml.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/value.h"
#include "engine/gitops/document_rule.h"

namespace fairlead::gitops {

/// What the two kinds of files may hold.
[[nodiscard]] const DocumentRule& environment_rule();
[[nodiscard]] const DocumentRule& needs_rule();

/// Reads and checks everything that environment `name` is made of below `root`, and answers with the content of its
/// environment.json: the files with their defaults, derived names, and the SHA-256 of each source. All violations
/// are reported, each with file and line.
[[nodiscard]] std::expected<Value, std::vector<Error>> render_environment(const std::string& root,
                                                                          const std::string& name);

/// Names of the environments below `root`, in order.
[[nodiscard]] std::vector<std::string> environments(const std::string& root);

}  // namespace fairlead::gitops
