#include "engine/cli/successor.h"

#include <utility>

#include "base/image_reference.h"
#include "engine/cli/release.h"
#include "engine/gitops/git_repository.h"

namespace fairlead::cli {

Successor::Successor(const Project& project, std::string service, std::string digest, std::string commit)
    : delivery_(delivery_repository(project)),
      repository_(project.repository()),
      service_(std::move(service)),
      digest_(std::move(digest)),
      head_(std::move(commit)) {}

Result<> Successor::look() {
  const auto repository = gitops::GitRepository::open(repository_);
  if (!repository) return std::unexpected(repository.error());
  auto newest = repository->resolve(std::string(gitops::kDeliveryBranch));
  if (!newest) return std::unexpected(newest.error());
  if (newest->sha == head_) return {};
  const auto pins = delivery_.pins(newest->sha);
  if (!pins) return std::unexpected(pins.error());
  const auto pin = pins->find(service_);
  replaced_ = pin == pins->end() || ImageReference::parse(pin->second).digest != digest_;
  head_ = std::move(newest->sha);
  return {};
}

}  // namespace fairlead::cli
