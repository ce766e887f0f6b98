#include "engine/node/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/descriptor.h"
#include "engine/node/files.h"

namespace fairlead::node {

Result<> bind_mount(const std::string& from, const std::string& to, bool read_only) {
  if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return fail("cannot show {} to a container: {}", from, error_text(errno));
  }
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (read_only && ::mount_setattr(AT_FDCWD, to.c_str(), AT_RECURSIVE, &attributes, sizeof attributes) != 0) {
    return fail("cannot make {} read-only for a container: {}", from, error_text(errno));
  }
  return {};
}

Result<> mount_overlay(const std::string& lower, const std::string& layer, const std::string& root) {
  for (const char* part : {"/upper", "/work"}) {
    if (auto ok = make_directories(layer + part); !ok) return ok;
  }
  // By descriptors: in a name, which is its owner's, a colon or a comma would mean something to the mount.
  const Descriptor lower_open(::open(lower.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!lower_open) return fail("cannot open {}: {}", lower, error_text(errno));
  const Descriptor layer_open(::open(layer.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!layer_open) return fail("cannot open {}: {}", layer, error_text(errno));
  const std::string options = fmt::format(
      "lowerdir=/proc/self/fd/{0},upperdir=/proc/self/fd/{1}/upper,workdir=/proc/self/fd/{1}/work,userxattr",
      lower_open.get(), layer_open.get());
  if (::mount("overlay", root.c_str(), "overlay", 0, options.c_str()) != 0)
    return fail("cannot mount an overlay file system: {}", error_text(errno));
  // The kernel makes it without any rights: whoever clears up after a crash, as an ordinary user, could not open it.
  ::chmod((layer + "/work/work").c_str(), 0700);
  return {};
}

Result<> check_layers(const std::string& directory) {
  const std::string place = directory + "/.try";
  const std::string root = place + "/root";
  for (const char* part : {"/lower", "/root"}) {
    if (auto ok = make_directories(place + part); !ok) return ok;
  }
  Result<> result = write_file(place + "/lower/file", "");
  if (result) result = mount_overlay(place + "/lower", place + "/layer", root);
  if (result) {
    // What is hidden takes a mark of its own kind, which not every file system keeps.
    if (::unlink((root + "/file").c_str()) != 0) result = fail("cannot remove a file there: {}", error_text(errno));
    ::umount2(root.c_str(), MNT_DETACH);
  }
  remove_tree(place);
  return result;
}

}  // namespace fairlead::node
