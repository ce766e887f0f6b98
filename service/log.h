// Structured logs: one JSON object a line, on standard output, for a machine to collect.
#pragma once

#include <climits>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>

#include "base/value.h"

namespace fairlead::service {

enum class Level { kDebug, kInfo, kWarn, kError };

/// With its line end. A pipe takes so much as a whole or not at all; longer lines are cut and say "truncated":true.
inline constexpr std::size_t kMaxLine = PIPE_BUF;
/// What a pipe is asked to hold for a reader that is late.
inline constexpr int kPipeBytes = 256 * 1024;

/// Thread-safe, and never waits for its reader: a line that cannot be written now is dropped and counted, and the next
/// one that can be is preceded by a warning which says how many were lost. Lines never mix and never tear.
class Log {
 public:
  /// `fd` is not owned and outlives the log. Every line carries `service` and `version`.
  Log(int fd, Level least, std::string_view service, std::string_view version);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// {"time":"…","level":"info","message":"…","service":"…","version":"…", fields…}
  void write(Level level, std::string_view message, std::initializer_list<Member> fields = {}) const;
  [[nodiscard]] bool enabled(Level level) const { return level >= least_; }
  /// Lines since the start that nobody will ever read.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  [[nodiscard]] std::string encode(Level level, std::string_view message, std::initializer_list<Member> fields) const;
  [[nodiscard]] bool put(std::string_view line) const;

  int fd_;
  int terminal_ = -1;  // Owned: `fd_` opened anew where it is a terminal.
  Level least_;
  std::string identity_;  // Encoded once.
  mutable std::mutex mutex_;
  mutable std::string rest_;        // Of a line that was taken in part: it goes first.
  mutable std::uint64_t lost_ = 0;  // Since the log last said so.
  mutable std::uint64_t dropped_ = 0;
};

[[nodiscard]] std::string_view to_string(Level level);

}  // namespace fairlead::service
