// What an image is called: "registry/name:tag@sha256:…".
#pragma once

#include <string>
#include <string_view>

namespace fairlead {

/// A reference in its parts, as they are written; nothing is looked up or filled in.
/// Source: github.com/distribution/reference, the grammar in reference.go.
struct ImageReference {
  std::string name;    ///< With the registry, without tag and digest.
  std::string tag;     ///< May be empty.
  std::string digest;  ///< "sha256:…", may be empty.
  [[nodiscard]] static ImageReference parse(std::string_view text);
};

/// "sha256:" and 64 hexadecimal digits.
[[nodiscard]] bool is_image_digest(std::string_view text);

}  // namespace fairlead
