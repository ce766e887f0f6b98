// Notices that somebody removed a file which this process goes on writing.
#pragma once

#include <sys/stat.h>

#include <string>

namespace fairlead::world {

/// A file that must stay where it is. One thread.
class KeptFile {
 public:
  /// Remembers which file stands at `path` now.
  explicit KeptFile(std::string path);

  /// Whether another one stands there, or none. An error that says neither is no answer: false.
  [[nodiscard]] bool gone() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  struct stat seen_{};
};

}  // namespace fairlead::world
