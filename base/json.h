// JSON in (simdjson, untrusted) and out.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/value.h"

namespace fairlead {

inline constexpr std::size_t kMaxJsonDepth = 100;

/// One JSON text. Duplicate keys, depth over kMaxJsonDepth, trailing bytes and invalid UTF-8 are errors with line and
/// column.
[[nodiscard]] Result<Value> parse_json(std::string_view text, std::string_view file = {});

/// Compact; doubles in the shortest form that reads back the same, NaN and infinities as null.
void append_json(std::string& out, const Value& value);
/// Bytes that are not UTF-8 become U+FFFD, as encoding/json of Go writes them: what is written can be read.
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string to_json(const Value& value);
/// What a string holds, and anything else as JSON: as Go's fmt.Sprintf("%v") shows what encoding/json read.
[[nodiscard]] std::string scalar_text(const Value& value);
/// Indented by two spaces.
[[nodiscard]] std::string to_pretty_json(const Value& value);

}  // namespace fairlead
