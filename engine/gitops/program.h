// Runs other programs: arguments as a vector, never through a shell.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace fairlead::gitops {

struct ProgramOptions {
  std::string directory;                                   ///< Where it runs; empty: here.
  std::vector<std::pair<std::string, std::string>> env{};  ///< Added to our own environment.
  std::string input{};                                     ///< Its standard input.
  /// Called for each line it prints (either stream), while it runs; the lines are collected too.
  std::function<void(std::string_view line)> on_line{};
};

struct ProgramResult {
  int exit_code = 0;   ///< 128 + signal when it was killed by one.
  std::string output;  ///< Standard output; when `on_line` is set, standard error as well.
  std::string error;   ///< Standard error.
};

/// Blocks until it has ended. An Error only when it could not be started: the message names the program.
[[nodiscard]] Result<ProgramResult> run_program(const std::vector<std::string>& argv,
                                                const ProgramOptions& options = {});

/// The same, with an exit code other than 0 turned into an Error that quotes the last lines of what it said.
[[nodiscard]] Result<std::string> check_program(const std::vector<std::string>& argv,
                                                const ProgramOptions& options = {});

}  // namespace fairlead::gitops
