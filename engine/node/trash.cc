#include "engine/node/trash.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "engine/node/files.h"

namespace fairlead::node {

Trash::Trash(std::string directory)
    : directory_(std::move(directory)),
      // Not from zero: a name that an earlier life left must not be met.
      next_(static_cast<unsigned long long>(std::chrono::system_clock::now().time_since_epoch().count())) {
  // Without the directory every tree is removed by whoever brings it.
  (void)make_directories(directory_);
  std::error_code none;
  for (const auto& left : std::filesystem::directory_iterator(directory_, none)) {
    background_.run([path = left.path().string()] { remove_tree(path); });
  }
}

void Trash::take(const std::string& path) {
  const std::string place = fmt::format("{}/{}", directory_, next_++);
  if (std::rename(path.c_str(), place.c_str()) == 0) return background_.run([place] { remove_tree(place); });
  remove_tree(path);
}

}  // namespace fairlead::node
