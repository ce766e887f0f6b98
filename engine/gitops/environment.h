// What an environment is: its files joined, with defaults, names, addresses and grants, as environment.json. Terraform,
// embedded Azure and the edge read that and nothing else.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/value.h"
#include "engine/gitops/environment_sources.h"

namespace fairlead::gitops {

/// Reads and checks everything that environment `name` is made of below `root`, and answers with the content of its
/// environment.json, the SHA-256 of each source in it. All violations are reported, each with file and line.
[[nodiscard]] std::expected<Value, std::vector<Error>> render_environment(const std::string& root,
                                                                          const std::string& name);

}  // namespace fairlead::gitops
