// For tests: a folder of their own.
#pragma once

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's, not C's

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace fairlead {

/// An empty folder below the machine's folder for temporary files, readable by its owner only; it goes away with this.
class TemporaryFolder {
 public:
  /// `name` is for people who find it: "fairlead-<name>-XXXXXX".
  explicit TemporaryFolder(std::string_view name)
      : path_(std::filesystem::temp_directory_path() / ("fairlead-" + std::string(name) + "-XXXXXX")) {
    FAIRLEAD_ASSERT(::mkdtemp(path_.data()) != nullptr);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  /// Absolute, without a slash at its end.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace fairlead
