// Makes our own images: FROM scratch, one static program.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/node/image_store.h"

namespace fairlead::node {

struct ImageRecipe {
  std::string name;     ///< "fairlead.local/shop/catalog:1a2b3c": what the image is tagged with.
  std::string program;  ///< The static executable on the host; it becomes /<file name>, the entry point.
  std::string certificates = "/etc/ssl/certs/ca-certificates.crt";  ///< Empty: none.
  std::uint32_t user = 65532;                                       ///< uid and gid.
  std::map<std::string, std::string> labels;                        ///< org.opencontainers.image.revision …
  std::vector<std::string> environment;                             ///< "NAME=value"
};

struct BuiltImage {
  std::string digest;     ///< Of the manifest.
  std::int64_t size = 0;  ///< Of the layer, in bytes.
};

/// The program, CA certificates, and /etc/passwd and /etc/group naming the numeric user; nothing else. The same recipe
/// and files give the same digest on every machine: fixed times and order, uncompressed.
[[nodiscard]] Result<BuiltImage> build_image(const ImageRecipe& recipe, ImageStore& store);

}  // namespace fairlead::node
