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

/// Removes from `directory` what was unpacked of images that have no name any more, and what was left half-made. An
/// image that is wanted again all the same is unpacked again. LocalNode::create calls it, when no container runs;
/// nobody may while one does.
[[nodiscard]] Result<> collect_unpacked(const ImageStore& store, const std::string& directory);

}  // namespace fairlead::node
