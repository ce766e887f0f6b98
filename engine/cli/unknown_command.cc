#include "engine/cli/unknown_command.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fairlead::cli {
namespace {

/// Letters to add, to drop or to change (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

/// Half of a word may be wrong before another one is meant.
bool near(std::string_view said, std::string_view command) { return 2 * distance(said, command) <= command.size() + 1; }

}  // namespace

std::string unknown_command(std::string_view program, std::string_view said, const std::vector<std::string>& commands) {
  const auto nearest =
      std::ranges::min_element(commands, {}, [&](const std::string& command) { return distance(said, command); });
  if (nearest != commands.end() && near(said, *nearest)) {
    return fmt::format("there is no command {0} {1}: the nearest is `{0} {2}`, and `{0} --help` lists all", program,
                       said, *nearest);
  }
  return fmt::format("there is no command {0} {1}, only {2}: see `{0} --help`", program, said,
                     fmt::join(commands, ", "));
}

}  // namespace fairlead::cli
