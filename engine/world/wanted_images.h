// Whose images must stay on this machine.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/value.h"
#include "engine/api/api.h"
#include "engine/node/image_store.h"

namespace fairlead::world {

/// Adds to `out` what fields named "image" below `tree` name, as ImageStore::collect takes it: the digest where there
/// is one, else "name:tag".
void add_images(const Value& tree, std::set<std::string>& out);

/// Adds every "sha256:…" in `text`, whatever it stands in.
void add_digests(std::string_view text, std::set<std::string>& out);

/// Adds what is named in the rendered manifests of every environment at `branch` of the repository, applied or not.
[[nodiscard]] Result<> add_delivered_images(const std::string& repository_path, const std::string& branch,
                                            std::set<std::string>& out);

/// Removes from the state directory's images what neither an object that is stored nor the repository beside them
/// names, as ImageStore::collect does it. Before anything runs. Answers how many blobs went.
[[nodiscard]] Result<std::size_t> collect_images(const api::Api& api, const std::string& state_directory,
                                                 const std::string& branch,
                                                 std::chrono::seconds least_age = node::kLeastImageAge);

}  // namespace fairlead::world
