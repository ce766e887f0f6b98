// Reads a Git repository in this process, through libgit2. Never writes and never touches a work tree.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

struct git_repository;

namespace fairlead::gitops {

inline constexpr std::size_t kMaxManifestBytes = 8U << 20U;  ///< One file.
inline constexpr std::size_t kMaxManifestFiles = 10'000;     ///< One Application.

/// The seven digits by which people name a commit.
[[nodiscard]] std::string short_sha(std::string_view sha);

struct Commit {
  std::string sha;      ///< 40 hex digits.
  std::string author;   ///< "Name <email>".
  std::string summary;  ///< First line of the message.
};

struct File {
  std::string path;  ///< From the repository's root.
  std::string content;
};

/// One thread at a time.
class GitRepository {
 public:
  /// A bare repository or one with a work tree.
  [[nodiscard]] static Result<GitRepository> open(const std::string& path);

  /// "main", "v1.2", "HEAD" or a (short) SHA. An error names what was not found.
  [[nodiscard]] Result<Commit> resolve(const std::string& revision) const;
  /// Files in `folder` ("" for the root) of a commit whose path is `wanted`, in order of path; those below its
  /// subfolders only if `recurse`. Others are not read, whatever their size.
  [[nodiscard]] Result<std::vector<File>> files(const std::string& sha, const std::string& folder, bool recurse,
                                                bool (*wanted)(std::string_view path)) const;
  /// One file of a commit.
  [[nodiscard]] Result<std::string> file(const std::string& sha, const std::string& path) const;
  /// A line per reference: what changes when any branch or tag moves.
  [[nodiscard]] std::string fingerprint() const;

 private:
  struct Close {
    void operator()(git_repository* repository) const;
  };
  explicit GitRepository(git_repository* repository) : repository_(repository) {}
  std::unique_ptr<git_repository, Close> repository_;
};

}  // namespace fairlead::gitops
