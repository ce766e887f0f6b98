// Behaviours as data: files of cases, each an input and what must come out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead {

struct TestCase {
  std::string input;
  std::string expected;   ///< Without the marker.
  bool is_error = false;  ///< Marked `!!` instead of `=>`.
  std::string where;      ///< "file:line" of the case, for messages.
};

/// Reads base/testdata/json.txt and its like: cases divided by lines of four dashes, each its input, then lines that
/// start with `=> ` or `!! ` (several join with newlines). Lines starting with '#' before the first case are comments.
/// Stops the program when the file cannot be read, because then nothing is tested. For tests only.
[[nodiscard]] std::vector<TestCase> read_test_cases(const std::string& path);

}  // namespace fairlead
