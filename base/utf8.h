// UTF-8, and where a byte of a text stands for a person.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead {

/// Offset of the first byte that is not UTF-8 (RFC 3629: no surrogates, no overlong forms); npos when all of it is.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

/// Bytes of the well-formed sequence that starts at `text[at]`, 0 when there is none there.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text, std::size_t at);
/// `text` with U+FFFD for each byte that is not UTF-8, as Go's conversions put it.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

/// Appends one code point, at most 0x10FFFF.
void append_utf8(std::string& out, std::uint32_t code_point);

/// Both from 1; the column counts characters.
struct TextPosition {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};
[[nodiscard]] TextPosition position_of(std::string_view text, std::size_t offset);

}  // namespace fairlead
