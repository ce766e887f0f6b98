// What the program's exit code means, for every command.
#pragma once

namespace fairlead::cli {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;  ///< The command was understood and did not succeed; the reason is on standard error.
inline constexpr int kUsage = 2;   ///< The command line or an input file is wrong.
inline constexpr int kUnable = 3;  ///< This machine lacks something; `fairlead doctor` says what to do.
inline constexpr int kRolledBack = 4;  ///< `ship`: the rollout was aborted and traffic is back on the stable version.
inline constexpr int kSuperseded = 5;  ///< `ship`: a newer commit took its place before it was decided.
inline constexpr int kInterrupted = 130;  ///< Ctrl-C; what goes on without the command has been said.

}  // namespace fairlead::cli
