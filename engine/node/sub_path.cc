#include "engine/node/sub_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/node/files.h"

namespace fairlead::node {

namespace {

Descriptor open_beneath(const Descriptor& root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return Descriptor(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
}

std::unexpected<Error> refused(const std::string& path, int error) {
  if (error == EXDEV) return fail("the subPath {} leads out of the volume", path);
  if (error == ENOENT) return fail("there is no {} in it", path);
  // EAGAIN: something in the volume was renamed meanwhile; the next start of the container tries again.
  return fail("cannot open the subPath {}: {}", path, error_text(error));
}

}  // namespace

Result<Descriptor> open_sub_path(const std::string& volume, const std::string& path, bool make) {
  const Descriptor root(::open(volume.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat info{};
  if (!root || ::fstat(root.get(), &info) != 0) return fail("cannot open {}: {}", volume, error_text(errno));
  if (path.starts_with('/')) return fail("the subPath {} leads out of the volume", path);
  if (auto found = open_beneath(root, path); found || errno != ENOENT || !make) {
    if (found) return found;
    return refused(path, errno);
  }
  Descriptor at = open_beneath(root, ".");
  for (std::size_t begin = 0; begin < path.size();) {
    const auto slash = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, slash - begin);
    begin = slash + 1;
    if (name.empty()) continue;
    // A link at this place, dangling or not, makes mkdirat fail and is then judged as any other.
    const bool made = ::mkdirat(at.get(), name.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return fail("cannot make the subPath {}: {}", path, error_text(errno));
    at = open_beneath(root, path.substr(0, slash));
    if (!at) return refused(path, errno);
    if (made) ::chmod(fmt::format("/proc/self/fd/{}", at.get()).c_str(), info.st_mode & 07777);
  }
  return at;
}

}  // namespace fairlead::node
