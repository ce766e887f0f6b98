#include "engine/gitops/git_repository.h"

#include <git2.h>

#include <algorithm>
#include <array>
#include <optional>

namespace fairlead::gitops {
namespace {

struct Free {
  void operator()(git_object* o) const { git_object_free(o); }
  void operator()(git_commit* c) const { git_commit_free(c); }
  void operator()(git_tree* t) const { git_tree_free(t); }
  void operator()(git_tree_entry* e) const { git_tree_entry_free(e); }
  void operator()(git_blob* b) const { git_blob_free(b); }
  void operator()(git_reference_iterator* i) const { git_reference_iterator_free(i); }
  void operator()(git_reference* r) const { git_reference_free(r); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string_view last_error() {
  const git_error* e = git_error_last();
  return e != nullptr && e->message != nullptr ? e->message : "unknown error";
}

std::string hex(const git_oid& id) {
  std::array<char, GIT_OID_HEXSZ + 1> text{};
  git_oid_tostr(text.data(), text.size(), &id);
  return text.data();
}

void initialise() {
  static const int kOnce = [] {
    git_libgit2_init();
    // The repository is ours by path, though in a user namespace its owner may look like somebody else.
    return git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
  }();
  static_cast<void>(kOnce);
}

Result<Owned<git_tree>> tree_of(git_repository* repository, const std::string& sha) {
  git_oid id{};
  git_commit* commit = nullptr;
  if (git_oid_fromstr(&id, sha.c_str()) != 0 || git_commit_lookup(&commit, repository, &id) != 0) {
    return fail("no commit {} in the repository: {}", sha, last_error());
  }
  const Owned<git_commit> owned(commit);
  git_tree* tree = nullptr;
  if (git_commit_tree(&tree, commit) != 0) return fail("commit {} has no tree: {}", sha, last_error());
  return Owned<git_tree>(tree);
}

Result<std::string> read_blob(git_repository* repository, const git_oid& id, const std::string& path) {
  git_blob* blob = nullptr;
  if (git_blob_lookup(&blob, repository, &id) != 0) return fail("cannot read {}: {}", path, last_error());
  const Owned<git_blob> owned(blob);
  const auto size = static_cast<std::size_t>(git_blob_rawsize(blob));
  if (size > kMaxManifestBytes) {
    return fail("{} has {} bytes; {} is the most that is read", path, size, kMaxManifestBytes);
  }
  return std::string(static_cast<const char*>(git_blob_rawcontent(blob)), size);
}

struct Walk {
  git_repository* repository;
  std::string prefix;
  bool recurse;
  bool (*wanted)(std::string_view path);
  std::vector<File>* out;
  std::optional<Error> error;
};

/// Libgit2's walk callback: 0 goes on, 1 skips a folder, below 0 stops.
int visit(const char* root, const git_tree_entry* entry, void* payload) {
  Walk& walk = *static_cast<Walk*>(payload);
  const std::string path = walk.prefix + root + git_tree_entry_name(entry);
  if (git_tree_entry_type(entry) == GIT_OBJECT_TREE) return walk.recurse ? 0 : 1;
  if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB || git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK) return 0;
  if (!walk.wanted(path)) return 0;
  if (walk.out->size() >= kMaxManifestFiles) {
    walk.error = Error{fmt::format("{} holds more than {} files", walk.prefix, kMaxManifestFiles)};
    return -1;
  }
  auto content = read_blob(walk.repository, *git_tree_entry_id(entry), path);
  if (!content) {
    walk.error = content.error();
    return -1;
  }
  walk.out->push_back({path, std::move(*content)});
  return 0;
}

}  // namespace

std::string short_sha(std::string_view sha) { return std::string(sha.substr(0, 7)); }

void GitRepository::Close::operator()(git_repository* repository) const { git_repository_free(repository); }

Result<GitRepository> GitRepository::open(const std::string& path) {
  initialise();
  git_repository* repository = nullptr;
  if (git_repository_open(&repository, path.c_str()) != 0) {
    return fail("{} is not a Git repository: {}", path, last_error());
  }
  return GitRepository(repository);
}

Result<Commit> GitRepository::resolve(const std::string& revision) const {
  git_object* object = nullptr;
  const std::string spec = (revision.empty() ? "HEAD" : revision) + "^{commit}";
  if (git_revparse_single(&object, repository_.get(), spec.c_str()) != 0) {
    return fail("no branch, tag or commit {} in the repository", revision.empty() ? "HEAD" : revision);
  }
  const Owned<git_object> owned(object);
  git_commit* commit = nullptr;
  if (git_commit_lookup(&commit, repository_.get(), git_object_id(object)) != 0) {
    return fail("{} does not name a commit", revision);
  }
  const Owned<git_commit> owned_commit(commit);
  const git_signature* author = git_commit_author(commit);
  const char* summary = git_commit_summary(commit);
  return Commit{hex(*git_object_id(object)), fmt::format("{} <{}>", author->name, author->email),
                summary != nullptr ? summary : ""};
}

Result<std::vector<File>> GitRepository::files(const std::string& sha, const std::string& folder, bool recurse,
                                               bool (*wanted)(std::string_view path)) const {
  auto tree = tree_of(repository_.get(), sha);
  if (!tree) return std::unexpected(tree.error());
  std::vector<File> out;
  std::string_view trimmed = folder;
  while (trimmed.ends_with('/')) trimmed.remove_suffix(1);
  if (trimmed == ".") trimmed = {};
  Walk walk{repository_.get(), trimmed.empty() ? "" : std::string(trimmed) + "/", recurse, wanted, &out, {}};
  if (!trimmed.empty()) {
    git_tree_entry* entry = nullptr;
    const bool found = git_tree_entry_bypath(&entry, tree->get(), std::string(trimmed).c_str()) == 0;
    const Owned<git_tree_entry> owned(entry);
    git_tree* below = nullptr;
    if (!found || git_tree_lookup(&below, repository_.get(), git_tree_entry_id(entry)) != 0) {
      return fail("{}: app path does not exist in commit {}", folder, short_sha(sha));
    }
    tree = Owned<git_tree>(below);
  }
  const int outcome = git_tree_walk(tree->get(), GIT_TREEWALK_PRE, visit, &walk);
  if (walk.error) return std::unexpected(*walk.error);
  if (outcome < 0) return fail("cannot read {}: {}", folder, last_error());
  std::ranges::sort(out, {}, &File::path);
  return out;
}

Result<std::string> GitRepository::file(const std::string& sha, const std::string& path) const {
  auto tree = tree_of(repository_.get(), sha);
  if (!tree) return std::unexpected(tree.error());
  git_tree_entry* entry = nullptr;
  if (git_tree_entry_bypath(&entry, tree->get(), path.c_str()) != 0) {
    return fail("{} does not exist in commit {}", path, short_sha(sha));
  }
  const Owned<git_tree_entry> owned(entry);
  return read_blob(repository_.get(), *git_tree_entry_id(entry), path);
}

std::string GitRepository::fingerprint() const {
  git_reference_iterator* iterator = nullptr;
  if (git_reference_iterator_new(&iterator, repository_.get()) != 0) return {};
  const Owned<git_reference_iterator> owned(iterator);
  std::string out;
  git_reference* reference = nullptr;
  while (git_reference_next(&reference, iterator) == 0) {
    const Owned<git_reference> one(reference);
    const git_oid* target = git_reference_target(reference);
    out += fmt::format("{} {}\n", git_reference_name(reference), target != nullptr ? hex(*target) : "");
  }
  return out;
}

}  // namespace fairlead::gitops
