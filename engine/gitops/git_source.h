// The Source seam over the local delivery repository.
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "engine/seam/source.h"

namespace fairlead::gitops {

struct GitSourceOptions {
  std::string repository;  ///< Path of the bare repository.
  std::string repo_url;    ///< The URL under which Applications name it; any other URL is an error.
  Duration poll{250};      ///< How often references are looked at.
};

/// Reads on a thread of its own. `control` must outlive it.
[[nodiscard]] std::unique_ptr<seam::Source> git_source(GitSourceOptions options, seam::Executor& control);

class GitRepository;

/// Reads the manifests of one commit's folder: YAML and JSON files, in order of path. Errors carry file and line.
[[nodiscard]] Result<seam::Manifests> read_manifests(const GitRepository& repository,
                                                     const seam::SourceRequest& request);

}  // namespace fairlead::gitops
