// Whose images must stay on this machine.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::world {

/// Adds to `out` what fields named "image" below `tree` name, as ImageStore::collect takes it: the digest where there
/// is one, else "name:tag".
void add_images(const Value& tree, std::set<std::string>& out);

/// Adds every "sha256:…" in `text`, whatever it stands in.
void add_digests(std::string_view text, std::set<std::string>& out);

/// Adds what is named in the rendered manifests of every environment at `branch` of the repository, applied or not.
[[nodiscard]] Result<> add_delivered_images(const std::string& repository_path, const std::string& branch,
                                            std::set<std::string>& out);

}  // namespace fairlead::world
