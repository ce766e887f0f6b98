#include "engine/node/files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/descriptor.h"

namespace fairlead::node {

std::string error_text(int error_number) { return std::generic_category().message(error_number); }

namespace {

Result<std::string> read_all(const Descriptor& file, const std::string& path, std::size_t limit) {
  std::string content;
  char buffer[16384];
  while (content.size() < limit) {
    const ssize_t got = ::read(file.get(), buffer, std::min(sizeof buffer, limit - content.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("cannot read {}: {}", path, error_text(errno));
    if (got == 0) break;
    content.append(buffer, static_cast<std::size_t>(got));
  }
  return content;
}

Result<> write_all(int fd, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail("cannot write {}: {}", path, error_text(errno));
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

/// A new file beside `path`, under a name that nobody else has.
Result<Descriptor> open_beside(const std::string& path, mode_t mode, std::string& name) {
  static std::atomic<unsigned> attempts{0};
  for (;;) {
    name = fmt::format("{}.{}-{}.new", path, ::getpid(), attempts++);
    Descriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (file) return file;
    // Process ids come again, in other namespaces too.
    if (errno != EEXIST) return fail("cannot create {}: {}", name, error_text(errno));
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail("cannot open {}: {}", path, error_text(errno));
  return read_all(file, path, limit);
}

Result<std::string> read_in_root(const std::string& root, const std::string& path, std::size_t limit) {
  const Descriptor top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{};
  how.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;  // A pipe in its place would be waited for.
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const Descriptor file(static_cast<int>(::syscall(SYS_openat2, top.get(), path.c_str(), &how, sizeof how)));
  if (!file) return fail("cannot open {} in {}: {}", path, root, error_text(errno));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return fail("{} in {} is no file", path, root);
  return read_all(file, path, limit);
}

Result<> write_file(const std::string& path, std::string_view content, mode_t mode) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file) return fail("cannot create {}: {}", path, error_text(errno));
  return write_all(file.get(), path, content);
}

Result<> replace_file(const std::string& path, std::string_view content, mode_t mode) {
  std::string fresh;
  const auto file = open_beside(path, mode, fresh);
  if (!file) return std::unexpected(file.error());
  Result<> written = write_all(file->get(), fresh, content);
  if (written && ::fsync(file->get()) != 0) written = fail("cannot sync {}: {}", fresh, error_text(errno));
  if (written && std::rename(fresh.c_str(), path.c_str()) != 0)
    written = fail("cannot rename {} to {}: {}", fresh, path, error_text(errno));
  if (!written) ::unlink(fresh.c_str());
  return written;
}

Result<> make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail("cannot create the directory {}: {}", path, error.message());
  return {};
}

void remove_tree(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

}  // namespace fairlead::node
