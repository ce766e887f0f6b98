// index.json of an OCI image layout: what image_store.cc and image_collect.cc share.
#pragma once

#include <string>

#include "base/descriptor.h"
#include "base/error.h"

namespace fairlead::node {

/// The annotation that holds an image's "name:tag".
inline constexpr const char* kRefName = "org.opencontainers.image.ref.name";
/// Indexes may hold indexes.
inline constexpr int kMaxIndexDepth = 4;

/// Held while index.json of the layout `directory` changes or blobs are removed; `shared`, while blobs are stored.
[[nodiscard]] Result<Descriptor> lock_images(const std::string& directory, bool shared = false);

}  // namespace fairlead::node
