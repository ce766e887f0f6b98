// Which images stay in the layout, and removing what no image needs any more.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

#include "base/image_reference.h"
#include "base/json.h"
#include "engine/node/files.h"
#include "engine/node/image_index.h"
#include "engine/node/image_store.h"

namespace fairlead::node {

namespace {

std::string full_name(const Value& entry) { return std::string(entry.at("annotations", kRefName).str()); }

/// The entries of an index that stay, in their order, which is that of their making.
Value::Array kept_entries(const Value& index, const std::set<std::string>& wanted,
                          const std::function<bool(const std::string& digest)>& is_old) {
  std::map<std::string, std::size_t> versions;
  Value::Array kept;
  const auto& all = index.at("manifests").items();
  for (std::size_t i = all.size(); i-- > 0;) {
    const std::string name = full_name(all[i]);
    const std::string digest(all[i].at("digest").str());
    const bool newest = !name.empty() && versions[ImageReference::parse(name).name]++ < kKeptTags;
    if (newest || wanted.contains(digest) || wanted.contains(name) || !is_old(digest)) kept.push_back(all[i]);
  }
  std::ranges::reverse(kept);
  return kept;
}

}  // namespace

bool ImageStore::is_young(const std::string& digest, std::chrono::seconds least_age) const {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(blob_path(digest), error);
  return !error && std::filesystem::file_time_type::clock::now() - written < least_age;
}

/// Adds to `needed` what the image `digest` is made of; of one that cannot be read, what is known of it.
Result<> ImageStore::mark(const std::string& digest, int depth, std::set<std::string>& needed) const {
  if (depth > kMaxIndexDepth) return fail("the image {} lies too deep", digest);
  const auto tree = read_json(digest);
  if (!tree) return std::unexpected(tree.error());
  needed.insert(digest);
  for (const auto& entry : tree->at("manifests").items()) {
    // Of an image for several machines only the parts for this one may be there.
    const std::string part(entry.at("digest").str());
    std::error_code error;
    if (!is_image_digest(part) || !std::filesystem::exists(blob_path(part), error)) continue;
    if (auto ok = mark(part, depth + 1, needed); !ok) return ok;
  }
  needed.insert(std::string(tree->at("config", "digest").str()));
  for (const auto& layer : tree->at("layers").items()) needed.emplace(layer.at("digest").str());
  return {};
}

Result<std::size_t> ImageStore::collect(const std::set<std::string>& wanted, std::chrono::seconds least_age) {
  const std::string blobs = directory_ + "/blobs/sha256";
  std::error_code error;
  if (!std::filesystem::exists(blobs, error)) return std::size_t{0};
  const auto held = lock_images(directory_);
  if (!held) return std::unexpected(held.error());
  auto index = read_index();
  if (!index) return std::unexpected(index.error());
  const auto is_old = [&](const std::string& digest) { return !is_young(digest, least_age); };
  std::set<std::string> needed;
  Value::Array kept;
  for (Value& entry : kept_entries(*index, wanted, is_old)) {
    const std::string digest(entry.at("digest").str());
    if (auto ok = mark(digest, 0, needed); ok) {
      kept.push_back(std::move(entry));
    } else if (wanted.contains(digest) || wanted.contains(full_name(entry))) {
      return std::unexpected(ok.error());
    }
  }
  // What is named by its digest alone need not be in the index.
  for (const std::string& digest : wanted) {
    if (!is_image_digest(digest) || !std::filesystem::exists(blob_path(digest), error)) continue;
    // A digest may be that of anything; what is no image stays by itself.
    if (!mark(digest, 0, needed)) needed.insert(digest);
  }
  // The blobs first: on a full disk the index could not be written before there is room.
  std::size_t removed = 0;
  for (const auto& blob : std::filesystem::directory_iterator(blobs, error)) {
    const std::string digest = "sha256:" + blob.path().filename().string();
    if (!needed.contains(digest) && is_old(digest) && std::filesystem::remove(blob.path(), error)) ++removed;
  }
  if (kept.size() != index->at("manifests").size()) {
    index->set("manifests", std::move(kept));
    if (auto ok = replace_file(directory_ + "/index.json", to_json(*index)); !ok) return std::unexpected(ok.error());
  }
  return removed;
}

}  // namespace fairlead::node
