// Image layers onto disk.
#pragma once

#include <string>

#include "base/error.h"
#include "engine/node/image_store.h"

namespace fairlead::node {

inline constexpr std::int64_t kMaxUnpackedBytes = std::int64_t{4} << 30;
inline constexpr int kMaxEntries = 200'000;

/// Unpacks an image's layers, in order, into `directory`/<digest> unless they are there already, and answers that path.
/// Each layer is checked against its digest first. No entry leaves the directory, whatever its name, links or order;
/// device nodes are left out. May take long: not for the node's own thread, though any other will do.
[[nodiscard]] Result<std::string> unpack_image(const ImageStore& store, const Image& image,
                                               const std::string& directory);

}  // namespace fairlead::node
