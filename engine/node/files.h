// Small files read and written whole.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/error.h"

namespace fairlead::node {

/// "No such file or directory" for ENOENT: errno in words, safe on any thread.
[[nodiscard]] std::string error_text(int error_number);

/// The whole file; what /proc gives too. At most `limit` bytes are read.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit = std::size_t{64} << 20);
/// The regular file at `path` with `root` as the root of everything that its links say, as a container would see it.
[[nodiscard]] Result<std::string> read_in_root(const std::string& root, const std::string& path, std::size_t limit);
/// Creates or replaces the file in place.
[[nodiscard]] Result<> write_file(const std::string& path, std::string_view content, mode_t mode = 0644);
/// Writes beside `path`, then renames: a reader sees the old content or the new, also after a crash. Several processes
/// and threads may do so at once.
[[nodiscard]] Result<> replace_file(const std::string& path, std::string_view content, mode_t mode = 0644);
/// Creates the directory and its parents; being there already is fine.
[[nodiscard]] Result<> make_directories(const std::string& path);
/// Removes a tree as far as it can be removed; never follows symbolic links.
void remove_tree(const std::string& path);

}  // namespace fairlead::node
