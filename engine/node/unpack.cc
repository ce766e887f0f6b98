#include "engine/node/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "base/descriptor.h"
#include "base/hash.h"
#include "engine/node/files.h"

namespace fairlead::node {

namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
/// Each level of a tree that is removed holds a descriptor open.
constexpr int kMaxDepth = 200;

/// Everything below a directory, and nothing else: every path is resolved as if the directory were the root.
class Tree {
 public:
  explicit Tree(const std::string& path) : path_(path), root_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

  /// The directory at `path`, made with its parents where missing; empty descriptor on failure.
  [[nodiscard]] Descriptor directory(const std::string& path) const {
    if (auto there = open(path)) return there;
    std::string so_far;
    std::size_t at = 0;
    Descriptor parent = open(".");
    while (at < path.size()) {
      const auto slash = std::min(path.find('/', at), path.size());
      const std::string name = path.substr(at, slash - at);
      at = slash + 1;
      so_far += (so_far.empty() ? "" : "/") + name;
      auto next = open(so_far);
      if (!next && ::mkdirat(parent.get(), name.c_str(), 0755) == 0) next = open(so_far);
      if (!next) return next;
      parent = std::move(next);
    }
    return parent;
  }
  /// Removes `name` in `parent`, whatever it is, and nothing that a link in it leads to.
  [[nodiscard]] Result<> remove(const Descriptor& parent, const std::string& name, int depth = 0) const {
    if (::unlinkat(parent.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
    const Descriptor directory(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return fail("cannot remove {} of an earlier layer: {}", name, error_text(errno));
    if (auto ok = clear(directory, depth + 1); !ok) return ok;
    if (::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) == 0) return {};
    return fail("cannot remove {} of an earlier layer: {}", name, error_text(errno));
  }
  [[nodiscard]] Result<> clear(const Descriptor& directory, int depth = 0) const {
    if (depth > kMaxDepth) return fail("cannot remove directories that lie more than {} deep", kMaxDepth);
    const auto names = entries(directory);
    if (!names) return std::unexpected(names.error());
    for (const auto& name : *names) {
      if (auto ok = remove(directory, name, depth); !ok) return ok;
    }
    return {};
  }

 private:
  [[nodiscard]] Descriptor open(const std::string& path) const {
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return Descriptor(static_cast<int>(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how)));
  }

  static Result<std::vector<std::string>> entries(const Descriptor& directory) {
    Descriptor listed(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(listed.get()), ::closedir);
    if (!stream) return fail("cannot read a directory of an earlier layer: {}", error_text(errno));
    [[maybe_unused]] const int owned = listed.release();
    std::vector<std::string> out;
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string_view name(entry->d_name);
      if (name != "." && name != "..") out.emplace_back(name);
    }
    return out;
  }

  std::string path_;
  Descriptor root_;
};

/// "./usr//bin/../lib" → "usr/lib"; ".." never climbs over the top.
std::string normal(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.emplace_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : "/") + part;
  return out;
}

std::pair<std::string, std::string> split(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

struct Budget {
  std::int64_t bytes = kMaxUnpackedBytes;
  int entries = kMaxEntries;
};

Result<> copy_content(archive* reader, int file, Budget& budget, const std::string& path) {
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  int status = 0;
  while ((status = ::archive_read_data_block(reader, &data, &size, &offset)) == ARCHIVE_OK) {
    budget.bytes -= static_cast<std::int64_t>(size);
    if (budget.bytes < 0) return fail("the image is larger than {} bytes", kMaxUnpackedBytes);
    if (::pwrite(file, data, size, offset) != static_cast<ssize_t>(size)) {
      return fail("cannot write {}: {}", path, error_text(errno));
    }
  }
  if (status != ARCHIVE_EOF) return fail("cannot read {} in the layer: {}", path, ::archive_error_string(reader));
  return {};
}

Result<> make_file(archive* reader, archive_entry* entry, const Tree& tree, const Descriptor& parent,
                   const std::string& name, Budget& budget) {
  if (auto ok = tree.remove(parent, name); !ok) return ok;
  if (const char* hard = ::archive_entry_hardlink(entry)) {
    const auto [folder, target] = split(normal(hard));
    const auto from = tree.directory(folder.empty() ? "." : folder);
    if (::linkat(from.get(), target.c_str(), parent.get(), name.c_str(), 0) == 0) return {};
    return fail("cannot link {} to {}: {}", name, hard, error_text(errno));
  }
  const Descriptor file(
      ::openat(parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail("cannot create {}: {}", name, error_text(errno));
  if (auto ok = copy_content(reader, file.get(), budget, name); !ok) return ok;
  // Only root may give files away; for others everything is their own, which their containers see as root's.
  if (::fchown(file.get(), static_cast<uid_t>(::archive_entry_uid(entry)),
               static_cast<gid_t>(::archive_entry_gid(entry))) != 0) {
    errno = 0;
  }
  ::fchmod(file.get(), ::archive_entry_perm(entry));
  return {};
}

Result<> make_entry(archive* reader, archive_entry* entry, const Tree& tree, Budget& budget) {
  const char* raw = ::archive_entry_pathname(entry);
  if (raw == nullptr) return fail("a layer holds an entry without a name");
  const std::string path = normal(raw);
  if (path.empty()) return {};
  const auto [folder, name] = split(path);
  const auto parent = tree.directory(folder.empty() ? "." : folder);
  if (!parent) return fail("cannot make the directory {} of the image", folder);
  if (name == kOpaque) return tree.clear(parent);
  if (name.starts_with(kWhiteout)) {
    const std::string hidden = name.substr(kWhiteout.size());
    if (hidden.empty() || hidden == "." || hidden == "..") {
      return fail("the layer's whiteout {} names no file of an earlier layer", path);
    }
    return tree.remove(parent, hidden);
  }
  const auto type = ::archive_entry_filetype(entry);
  if (type == AE_IFREG || ::archive_entry_hardlink(entry) != nullptr) {
    return make_file(reader, entry, tree, parent, name, budget);
  }
  if (type == AE_IFLNK) {
    if (auto ok = tree.remove(parent, name); !ok) return ok;
    if (::symlinkat(::archive_entry_symlink(entry), parent.get(), name.c_str()) == 0) return {};
    return fail("cannot link {}: {}", path, error_text(errno));
  }
  if (type != AE_IFDIR) return {};
  struct stat info{};
  const bool there = ::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (there && !S_ISDIR(info.st_mode)) {
    if (auto ok = tree.remove(parent, name); !ok) return ok;
  }
  if ((!there || !S_ISDIR(info.st_mode)) && ::mkdirat(parent.get(), name.c_str(), 0755) != 0) {
    return fail("cannot make the directory {}: {}", path, error_text(errno));
  }
  (void)::fchownat(parent.get(), name.c_str(), static_cast<uid_t>(::archive_entry_uid(entry)),
                   static_cast<gid_t>(::archive_entry_gid(entry)), AT_SYMLINK_NOFOLLOW);
  if (::fchmodat(parent.get(), name.c_str(), ::archive_entry_perm(entry) | S_IRWXU, 0) != 0) {
    return fail("cannot set the mode of the directory {}: {}", path, error_text(errno));
  }
  return {};
}

Result<> unpack_layer(const std::string& content, const std::string& directory, Budget& budget) {
  const std::unique_ptr<archive, int (*)(archive*)> reader(::archive_read_new(), ::archive_read_free);
  ::archive_read_support_filter_all(reader.get());
  ::archive_read_support_format_tar(reader.get());
  if (::archive_read_open_memory(reader.get(), content.data(), content.size()) != ARCHIVE_OK) {
    return fail("cannot read a layer: {}", ::archive_error_string(reader.get()));
  }
  const Tree tree(directory);
  archive_entry* entry = nullptr;
  int status = 0;
  while ((status = ::archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
    if (--budget.entries < 0) return fail("the image holds more than {} files", kMaxEntries);
    if (auto ok = make_entry(reader.get(), entry, tree, budget); !ok) return ok;
  }
  if (status != ARCHIVE_EOF) return fail("cannot read a layer: {}", ::archive_error_string(reader.get()));
  return {};
}

}  // namespace

Result<std::string> unpack_image(const ImageStore& store, const Image& image, const std::string& directory) {
  std::string target = directory + "/" + image.digest.substr(image.digest.find(':') + 1);
  std::error_code error;
  if (std::filesystem::exists(target, error)) return target;
  static std::atomic<unsigned> attempt{0};
  const std::string unfinished = fmt::format("{}/.unpacking-{}", directory, attempt++);
  remove_tree(unfinished);
  if (auto ok = make_directories(unfinished); !ok) return std::unexpected(ok.error());
  Budget budget;
  for (const auto& layer : image.layers) {
    auto content = read_file(store.blob_path(layer.digest), static_cast<std::size_t>(kMaxUnpackedBytes));
    Result<> done;
    if (!content) {
      done = std::unexpected(content.error());
    } else if ("sha256:" + sha256_hex(*content) != layer.digest) {
      done = fail("the layer {} does not match its digest; build the image again", layer.digest);
    } else {
      done = unpack_layer(*content, unfinished, budget);
    }
    if (!done) {
      remove_tree(unfinished);
      return std::unexpected(wrap("cannot unpack the image " + image.digest, done.error()));
    }
  }
  if (::rename(unfinished.c_str(), target.c_str()) != 0 && errno != EEXIST && errno != ENOTEMPTY) {
    return fail("cannot rename {}: {}", unfinished, error_text(errno));
  }
  remove_tree(unfinished);
  return target;
}

Result<> collect_unpacked(const ImageStore& store, const std::string& directory) {
  const auto named = store.named();
  if (!named) return std::unexpected(named.error());
  std::error_code error;
  for (const auto& tree : std::filesystem::directory_iterator(directory, error)) {
    if (std::ranges::find(*named, "sha256:" + tree.path().filename().string()) == named->end())
      remove_tree(tree.path());
  }
  return {};
}

}  // namespace fairlead::node
