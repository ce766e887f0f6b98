// What containers are shown: mounts in the node's own namespace.
#pragma once

#include <string>

#include "base/error.h"

namespace fairlead::node {

/// Shows `from`, with everything mounted below it, at `to`.
[[nodiscard]] Result<> bind_mount(const std::string& from, const std::string& to, bool read_only);

/// Shows the tree `lower` at `root`; what is written there goes to the directory `layer`.
[[nodiscard]] Result<> mount_overlay(const std::string& lower, const std::string& layer, const std::string& root);

/// Nothing when `directory` lies on a file system that the layers of mount_overlay can lie on; why not otherwise
/// (shares of the network and the layers of other containers cannot hold them).
[[nodiscard]] Result<> check_layers(const std::string& directory);

}  // namespace fairlead::node
