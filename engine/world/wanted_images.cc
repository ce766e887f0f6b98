#include "engine/world/wanted_images.h"

#include "base/image_reference.h"
#include "engine/gitops/git_repository.h"

namespace fairlead::world {

void add_images(const Value& tree, std::set<std::string>& out) {
  for (const Value& item : tree.items()) add_images(item, out);
  for (const Member& member : tree.members()) {
    add_images(member.value, out);
    if (member.key != "image" || member.value.str().empty()) continue;
    const auto reference = ImageReference::parse(member.value.str());
    if (!reference.digest.empty()) {
      out.insert(reference.digest);
    } else {
      out.insert(reference.name + ":" + (reference.tag.empty() ? "latest" : reference.tag));
    }
  }
}

void add_digests(std::string_view text, std::set<std::string>& out) {
  constexpr std::string_view kStart = "sha256:";
  constexpr std::size_t kLength = kStart.size() + 64;
  for (std::size_t at = 0; (at = text.find(kStart, at)) != std::string_view::npos; at += kStart.size()) {
    const std::string_view digest = text.substr(at, kLength);
    if (is_image_digest(digest)) out.emplace(digest);
  }
}

Result<> add_delivered_images(const std::string& repository_path, const std::string& branch,
                              std::set<std::string>& out) {
  const auto repository = gitops::GitRepository::open(repository_path);
  if (!repository) return std::unexpected(repository.error());
  const auto commit = repository->resolve(branch);
  if (!commit) return std::unexpected(commit.error());
  const auto files = repository->files(commit->sha, "infrastructure/rendered", true,
                                       [](std::string_view path) { return path.ends_with(".yaml"); });
  if (!files) return std::unexpected(files.error());
  for (const gitops::File& file : *files) add_digests(file.content, out);
  return {};
}

Result<std::size_t> collect_images(const api::Api& api, const std::string& state_directory, const std::string& branch,
                                   std::chrono::seconds least_age) {
  std::set<std::string> wanted;
  for (const api::Resource* resource : api.schema().resources()) {
    if (resource->storage != resource) continue;
    for (const api::ObjectPtr& object : api.list(*resource)) add_images(object->tree(), wanted);
  }
  if (auto ok = add_delivered_images(state_directory + "/git", branch, wanted); !ok) return std::unexpected(ok.error());
  return node::ImageStore(state_directory + "/images").collect(wanted, least_age);
}

}  // namespace fairlead::world
