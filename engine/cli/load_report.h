// A load report for people and for scripts.
#pragma once

#include <string>

#include "base/value.h"
#include "net/load.h"

namespace fairlead::cli {

/// A row a version, and one for all of them.
[[nodiscard]] std::string to_text(const net::LoadReport& report);
[[nodiscard]] Value to_value(const net::LoadReport& report);

}  // namespace fairlead::cli
