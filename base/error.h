// What can fail says so in its type: Result<T> carries either a value or one Error that a person can act on.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace fairlead {

/// A failure that the caller is expected to handle. `file`, `line` and `column` (both from 1, 0 when unknown) name the
/// place in the user's input, not in our source.
struct Error {
  std::string message;
  std::string file{};
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  /// "file:line:column: message", leaving out what is unknown.
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

/// `return fail("no such file {}", path);`
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{fmt::format(format, std::forward<Args>(args)...)});
}

/// The same failure seen from one step further out: "context: message", position kept.
[[nodiscard]] Error wrap(std::string_view context, Error inner);

/// Stops the program with file and line when `condition` is false. For bugs, never for input; always on.
#define FAIRLEAD_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::fairlead::assertion_failed(#condition, __FILE__, __LINE__))

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace fairlead
