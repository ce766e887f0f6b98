// Whether an object holds what a scenario expects of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"

namespace fairlead::control {

/// Nothing when `actual` holds everything that `expected` says; else a sentence that names the first difference below
/// `path`. Members that `expected` does not mention are free. The rules stand in testdata/scenarios/README.md.
[[nodiscard]] std::optional<std::string> difference(const Value& expected, const Value& actual,
                                                    const std::string& path);

/// Shell-like matching with `*` only.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace fairlead::control
