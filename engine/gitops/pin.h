// A service's place in its files: writes an image reference there, and changes no other byte; reads what runs it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::gitops {

/// `text` with the image of the container called `service` (in a rendered Rollout or Deployment), or, in a values file,
/// with the top-level `image`, replaced by `image`. Quotes stay as they are. `file` is for messages only.
[[nodiscard]] Result<std::string> pin_image(std::string_view text, std::string_view file, std::string_view service,
                                            std::string_view image);

/// The image that stands there.
[[nodiscard]] Result<std::string> pinned_image(std::string_view text, std::string_view file, std::string_view service);

/// The pod template around the container called `service` in rendered manifests.
[[nodiscard]] Result<Value> pod_template(std::string_view text, std::string_view file, std::string_view service);

}  // namespace fairlead::gitops
