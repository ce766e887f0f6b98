// OCI images on this machine: an image-layout directory (github.com/opencontainers/image-spec, image-layout.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::node {

inline constexpr std::string_view kHostImage = "fairlead.local/host";  ///< The host's programs, read-only.
inline constexpr std::string_view kDnsImage = "fairlead.local/dns";    ///< Cluster DNS, answered by the node.

/// So many versions of a service can be gone back to that nothing names any more.
inline constexpr std::size_t kKeptTags = 10;
inline constexpr std::chrono::seconds kLeastImageAge = std::chrono::hours(24);

struct Image {
  std::string digest;  ///< Of its manifest.
  struct Layer {
    std::string digest;
    std::string media_type;
  };
  std::vector<Layer> layers;
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string working_directory;
  std::string user;         ///< "65532", "65532:65532", "nobody" or empty.
  std::string stop_signal;  ///< "SIGTERM", or empty.
  std::map<std::string, std::string> labels;
};

/// Blobs are written once and checked against their digest when they are unpacked. Any thread; several processes may
/// write at the same time (a lock file orders changes of index.json, and blobs' coming and going).
class ImageStore {
 public:
  explicit ImageStore(std::string directory) : directory_(std::move(directory)) {}

  /// Finds an image by its digest, whatever the name in front of it, else by its name and tag ("latest" when there is
  /// none). The error is a sentence for a person that names the reference and what builds it.
  [[nodiscard]] Result<Image> find(const std::string& reference) const;
  /// The digest that `reference` stands for, and that Image::digest would be; the image may be missing. Errors are
  /// those of find.
  [[nodiscard]] Result<std::string> digest_of(const std::string& reference) const;
  [[nodiscard]] std::string blob_path(const std::string& digest) const;

  /// Stores `content` as a blob and answers its digest.
  [[nodiscard]] Result<std::string> put_blob(std::string_view content);
  /// Makes the manifest `digest` (of `size` bytes) known, under `name:tag`; an older image of that name keeps its
  /// digest and loses the name.
  [[nodiscard]] Result<> tag(const std::string& digest, std::int64_t size, const std::string& name);
  /// The digests of the images that have a name: the last one built under each.
  [[nodiscard]] Result<std::vector<std::string>> named() const;

  /// Removes images and then every blob that no image left needs. Kept are those in `wanted` (a digest, or
  /// "name:tag"), the newest kKeptTags of each name, and whatever is younger than `least_age`, since somebody may be
  /// about to name it. An image that cannot be read goes too; one in `wanted` ends it before anything is removed.
  /// Answers how many blobs went.
  [[nodiscard]] Result<std::size_t> collect(const std::set<std::string>& wanted,
                                            std::chrono::seconds least_age = kLeastImageAge);

 private:
  [[nodiscard]] Result<Value> read_json(const std::string& digest) const;
  [[nodiscard]] Result<Value> read_index() const;
  [[nodiscard]] Result<> prepare() const;
  [[nodiscard]] bool is_young(const std::string& digest, std::chrono::seconds least_age) const;
  [[nodiscard]] Result<> mark(const std::string& digest, int depth, std::set<std::string>& needed) const;
  [[nodiscard]] Result<Image> load(const std::string& digest) const;

  std::string directory_;
};

}  // namespace fairlead::node
