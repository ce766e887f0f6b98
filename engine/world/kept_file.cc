#include "engine/world/kept_file.h"

#include <cerrno>
#include <utility>

namespace fairlead::world {

KeptFile::KeptFile(std::string path) : path_(std::move(path)) { static_cast<void>(::stat(path_.c_str(), &seen_)); }

bool KeptFile::gone() const {
  struct stat now{};
  if (::stat(path_.c_str(), &now) != 0) return errno == ENOENT || errno == ENOTDIR;
  return now.st_dev != seen_.st_dev || now.st_ino != seen_.st_ino;
}

}  // namespace fairlead::world
