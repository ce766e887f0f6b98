// Load on the edge, and its report for people and for scripts.
#pragma once

#include <string>

#include "base/time.h"
#include "base/value.h"
#include "net/load.h"

namespace fairlead::cli {

/// Load on `url`, which must be on this machine, under the Host header `host`.
[[nodiscard]] Result<net::LoadOptions> shop_load(const std::string& url, const std::string& host, double rate,
                                                 Duration duration);

/// A row a version, one for what nobody answered, and one for all of them.
[[nodiscard]] std::string to_text(const net::LoadReport& report);
[[nodiscard]] Value to_value(const net::LoadReport& report);

}  // namespace fairlead::cli
