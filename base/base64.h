// Base 64 (RFC 4648 section 4), as Secrets and `!!binary` hold it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fairlead {

[[nodiscard]] std::string base64_encode(std::string_view bytes);
/// Strict about padding and alphabet, except that line breaks are skipped, as Go's base64.StdEncoding does.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace fairlead
