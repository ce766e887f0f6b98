// What is said to somebody who mistypes a command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// One sentence about `said`, which is none of `commands` of `program` ("fairlead", "fairlead image"): the command that
/// is nearest to it, where one is near, else all of them; and where to read on.
[[nodiscard]] std::string unknown_command(std::string_view program, std::string_view said,
                                          const std::vector<std::string>& commands);

}  // namespace fairlead::cli
