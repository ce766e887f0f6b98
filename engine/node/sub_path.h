// A volume's subPath, found without leaving the volume.
#pragma once

#include <string>

#include "base/descriptor.h"
#include "base/error.h"

namespace fairlead::node {

/// An O_PATH descriptor of `path` below the directory `volume`. Links that stay in the volume are followed, as a
/// ConfigMap's files are links; one that leads out, which a container may have planted, is refused, and nothing outside
/// is touched even while a container changes the volume. `make`: directories that are missing are made, with the
/// volume's own mode. Follows doSafeMakeDir and doSafeOpen of k8s.io/kubernetes (pkg/volume/util/subpath).
[[nodiscard]] Result<Descriptor> open_sub_path(const std::string& volume, const std::string& path, bool make);

}  // namespace fairlead::node
