// From a service's sources to an image that the node can run.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/cli/commands.h"
#include "engine/cli/project.h"
#include "engine/gitops/delivery_repository.h"

namespace fairlead::cli {

struct Release {
  std::string service;
  std::string image;  ///< "registry/name:tag@sha256:…": what is pinned.
  std::string digest;
};

/// Builds `service`, runs its tests, makes its image under `repository`:`tag`, and says so on the terminal.
[[nodiscard]] Result<Release> build_release(const Project& project, const std::string& service,
                                            const std::string& repository, const ReleaseOptions& options);

/// Creates the delivery repository if there is none, and gives every service whose pinned image is not on this machine
/// one that is. Answers with the SHA that Applications will see.
[[nodiscard]] Result<std::string> prepare_delivery(const Project& project);

[[nodiscard]] gitops::DeliveryRepository delivery_repository(const Project& project);

}  // namespace fairlead::cli
