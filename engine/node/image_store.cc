#include "engine/node/image_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "base/descriptor.h"
#include "base/hash.h"
#include "base/image_reference.h"
#include "base/json.h"
#include "engine/node/files.h"
#include "engine/node/image_index.h"

namespace fairlead::node {

namespace {

constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";

std::vector<std::string> strings(const Value& array) {
  std::vector<std::string> out;
  for (const auto& item : array.items()) out.emplace_back(item.str());
  return out;
}

}  // namespace

Result<Descriptor> lock_images(const std::string& directory, bool shared) {
  Descriptor file(::open((directory + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file || ::flock(file.get(), shared ? LOCK_SH : LOCK_EX) != 0)
    return fail("cannot lock {}: {}", directory, error_text(errno));
  return file;
}

std::string ImageStore::blob_path(const std::string& digest) const {
  return directory_ + "/blobs/sha256/" + digest.substr(digest.find(':') + 1);
}

Result<Value> ImageStore::read_json(const std::string& digest) const {
  if (!is_image_digest(digest)) return fail("{} is not a sha256 digest", digest);
  const auto text = read_file(blob_path(digest));
  if (!text) return std::unexpected(text.error());
  if ("sha256:" + sha256_hex(*text) != digest) return fail("the blob {} does not match its digest", digest);
  return parse_json(*text, blob_path(digest));
}

Result<Value> ImageStore::read_index() const {
  const std::string path = directory_ + "/index.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return Value::object({{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", Value::array()}});
  }
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  return parse_json(*text, path);
}

Result<Image> ImageStore::load(const std::string& digest) const {
  std::string at = digest;
  Result<Value> manifest = read_json(at);
  for (int depth = 0; manifest && manifest->at("manifests").is_array(); ++depth) {
    std::string next;
    for (const auto& entry : manifest->at("manifests").items()) {
      const auto& platform = entry.at("platform");
      if (platform.at("os").string_or("linux") == "linux" &&
          platform.at("architecture").string_or("amd64") == "amd64") {
        next = entry.at("digest").str();
        break;
      }
    }
    if (next.empty() || depth == kMaxIndexDepth) return fail("the image {} has no manifest for linux/amd64", digest);
    at = next;
    manifest = read_json(at);
  }
  if (!manifest) return std::unexpected(manifest.error());
  const auto config = read_json(std::string(manifest->at("config", "digest").str()));
  if (!config) return std::unexpected(config.error());
  Image image;
  image.digest = digest;
  for (const auto& layer : manifest->at("layers").items()) {
    if (!is_image_digest(layer.at("digest").str()))
      return fail("the image {} has a layer without a sha256 digest", digest);
    image.layers.push_back({std::string(layer.at("digest").str()), std::string(layer.at("mediaType").str())});
  }
  const auto& run = config->at("config");
  image.entrypoint = strings(run.at("Entrypoint"));
  image.command = strings(run.at("Cmd"));
  image.environment = strings(run.at("Env"));
  image.working_directory = run.at("WorkingDir").str();
  image.user = run.at("User").str();
  image.stop_signal = run.at("StopSignal").str();
  for (const auto& label : run.at("Labels").members()) image.labels[label.key] = label.value.str();
  return image;
}

Result<std::string> ImageStore::digest_of(const std::string& reference) const {
  const auto wanted = ImageReference::parse(reference);
  std::string digest = wanted.digest;
  if (digest.empty()) {
    const auto index = read_index();
    if (!index) return std::unexpected(index.error());
    const std::string full = wanted.name + ":" + (wanted.tag.empty() ? "latest" : wanted.tag);
    for (const auto& entry : index->at("manifests").items()) {
      if (entry.at("annotations", kRefName).str() == full) digest = entry.at("digest").str();
    }
  } else if (!is_image_digest(digest)) {
    return fail("the image {} is not named well: after @ stands no sha256 digest", reference);
  }
  if (digest.empty()) return fail("the image {} is not on this machine (looked in {})", reference, directory_);
  return digest;
}

Result<Image> ImageStore::find(const std::string& reference) const {
  const auto digest = digest_of(reference);
  if (!digest) return std::unexpected(digest.error());
  std::error_code error;
  if (!std::filesystem::exists(blob_path(*digest), error))
    return fail("the image {} is not on this machine (looked in {})", reference, directory_);
  return load(*digest);
}

Result<> ImageStore::prepare() const {
  if (auto ok = make_directories(directory_ + "/blobs/sha256"); !ok) return ok;
  const std::string layout = directory_ + "/oci-layout";
  std::error_code error;
  if (std::filesystem::exists(layout, error)) return {};
  return replace_file(layout, "{\"imageLayoutVersion\":\"1.0.0\"}");
}

Result<std::string> ImageStore::put_blob(std::string_view content) {
  if (auto ok = prepare(); !ok) return std::unexpected(ok.error());
  std::string digest = "sha256:" + sha256_hex(content);
  // Else collect could remove, between here and there, what it found old.
  const auto held = lock_images(directory_, true);
  if (!held) return std::unexpected(held.error());
  // Young again, so that collect leaves it to the image that is being made.
  std::error_code missing;
  std::filesystem::last_write_time(blob_path(digest), std::filesystem::file_time_type::clock::now(), missing);
  // One that is there may be damaged; who builds the image again is to get it whole.
  if (const auto there = read_file(blob_path(digest), content.size() + 1); there && *there == content) return digest;
  if (auto ok = replace_file(blob_path(digest), content); !ok) return std::unexpected(ok.error());
  return digest;
}

Result<> ImageStore::tag(const std::string& digest, std::int64_t size, const std::string& name) {
  if (auto ok = prepare(); !ok) return ok;
  const auto held = lock_images(directory_);
  if (!held) return std::unexpected(held.error());
  auto index = read_index();
  if (!index) return std::unexpected(index.error());
  Value::Array kept;
  for (auto entry : index->at("manifests").items()) {
    const bool same_name = entry.at("annotations", kRefName).str() == name;
    const bool same_digest = entry.at("digest").str() == digest;
    if (same_name && same_digest) return {};
    if (same_digest && !entry.has("annotations")) continue;
    if (same_name) entry.erase("annotations");
    kept.push_back(std::move(entry));
  }
  kept.push_back(Value::object({{"mediaType", kManifestType},
                                {"digest", digest},
                                {"size", size},
                                {"annotations", Value::object({{kRefName, name}})}}));
  index->set("manifests", std::move(kept));
  return replace_file(directory_ + "/index.json", to_json(*index));
}

Result<std::vector<std::string>> ImageStore::named() const {
  const auto index = read_index();
  if (!index) return std::unexpected(index.error());
  std::vector<std::string> out;
  for (const auto& entry : index->at("manifests").items()) {
    if (!entry.at("annotations", kRefName).str().empty()) out.emplace_back(entry.at("digest").str());
  }
  return out;
}

}  // namespace fairlead::node
