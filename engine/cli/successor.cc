#include "engine/cli/successor.h"

#include <utility>

#include "engine/cli/release.h"
#include "engine/gitops/git_repository.h"

namespace fairlead::cli {

Successor::Successor(const Project& project, std::string commit)
    : delivery_(delivery_repository(project)),
      repository_(project.repository()),
      commit_(std::move(commit)),
      head_(commit_) {}

Result<> Successor::look() {
  const auto repository = gitops::GitRepository::open(repository_);
  if (!repository) return std::unexpected(repository.error());
  auto newest = repository->resolve(std::string(gitops::kDeliveryBranch));
  if (!newest) return std::unexpected(newest.error());
  if (newest->sha == head_) return {};
  const auto shipped = delivery_.pod_templates(commit_);
  if (!shipped) return std::unexpected(shipped.error());
  const auto now = delivery_.pod_templates(newest->sha);
  if (!now) return std::unexpected(now.error());
  replaced_.clear();
  for (const auto& [service, pods] : *shipped) {
    const auto wanted = now->find(service);
    if (wanted == now->end() || wanted->second != pods) replaced_.insert(service);
  }
  head_ = std::move(newest->sha);
  return {};
}

}  // namespace fairlead::cli
