// Where Applications get their manifests from.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/value.h"
#include "engine/seam/executor.h"

namespace fairlead::seam {

/// One object of a manifest file, with the file it stood in (relative to the repository's root).
struct Manifest {
  std::string file;
  Value object;
};

/// What a commit holds.
struct Manifests {
  std::string revision;  ///< Commit SHA, 40 hex digits.
  std::string author;
  std::string message;                      ///< First line.
  Result<std::vector<Manifest>> manifests;  ///< In order of file and document; or which file cannot be read, and why.
};

struct SourceRequest {
  std::string repo_url;
  std::string target_revision;  ///< Branch, tag, SHA or "HEAD".
  std::string path;             ///< Folder in the repository.
  bool recurse = false;

  bool operator==(const SourceRequest&) const = default;
};

class Source {
 public:
  virtual ~Source() = default;
  /// An error where there is no such commit.
  virtual void manifests(SourceRequest request, Done<Manifests> done) = 0;
  /// Called with the repository's URL after any of its branches moved.
  virtual void on_change(std::function<void(const std::string& repo_url)> callback) = 0;
};

}  // namespace fairlead::seam
