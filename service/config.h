// A service's settings: environment variables, over an optional file of the same names, over defaults.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::service {

/// Reads are checked as they happen, and `check` tells everything that was wrong at once. Not thread-safe.
///
///   PORT=8080 FAULT_ERROR_RATE=0.2 CONFIG_FILE=/etc/config/catalog.yaml catalog
class Config {
 public:
  using Environment = std::map<std::string, std::string, std::less<>>;

  /// The process's own environment, and the file that CONFIG_FILE names: one flat YAML or JSON object.
  [[nodiscard]] static Config from_process();
  explicit Config(Environment environment, const Value& file = {}, std::string file_name = {});

  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise);
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise, std::int64_t least,
                                     std::int64_t most);
  [[nodiscard]] double number(std::string_view name, double otherwise, double least, double most);
  /// "250ms", "1m30s"; a bare number is not a duration.
  [[nodiscard]] std::chrono::milliseconds duration(std::string_view name, std::chrono::milliseconds otherwise);
  /// For names that end in _MS: whole milliseconds.
  [[nodiscard]] std::chrono::milliseconds milliseconds(std::string_view name, std::int64_t otherwise,
                                                       std::int64_t most);
  /// Adds a finding of the caller's own about `name`.
  void reject(std::string_view name, std::string_view why);

  /// After everything was read: what was wrong, one line each, with unknown names in the file and unknown FAULT_
  /// variables.
  [[nodiscard]] Result<> check() const;

 private:
  [[nodiscard]] const std::string* raw(std::string_view name);

  Environment environment_;
  std::map<std::string, std::string, std::less<>> file_;
  std::map<std::string, std::uint32_t, std::less<>> file_lines_;
  std::string file_name_;
  std::set<std::string, std::less<>> read_;
  std::vector<std::string> problems_;
};

}  // namespace fairlead::service
