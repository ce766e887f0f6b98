// Structured logs: one JSON object a line, on standard output, for a machine to collect.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/value.h"

namespace fairlead::service {

enum class Level { kDebug, kInfo, kWarn, kError };

/// Thread-safe; a line is one write, so lines of several threads never mix.
class Log {
 public:
  /// `fd` is not owned. Every line carries `service` and `version`.
  Log(int fd, Level least, std::string_view service, std::string_view version);

  /// {"time":"…","level":"info","message":"…","service":"…","version":"…", fields…}
  void write(Level level, std::string_view message, std::initializer_list<Member> fields = {}) const;
  [[nodiscard]] bool enabled(Level level) const { return level >= least_; }

 private:
  int fd_;
  Level least_;
  std::string identity_;  // Encoded once.
};

[[nodiscard]] std::string_view to_string(Level level);

}  // namespace fairlead::service
