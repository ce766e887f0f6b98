// Repositories that exist only in memory. For virtual worlds and tests.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/seam/source.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::seam {

class SimulatedSource final : public Source {
 public:
  explicit SimulatedSource(VirtualTime& time) : time_(time) {}

  /// `branch` of `repo_url` now stands at `content`; its manifests' `file` decides which path they belong to.
  void push(const std::string& repo_url, const std::string& branch, Manifests content) {
    commits_[{repo_url, content.revision}] = content;
    branches_[{repo_url, branch}] = std::move(content);
    time_.post([this, repo_url] {
      if (changed_) changed_(repo_url);
    });
  }
  void manifests(SourceRequest request, Done<Manifests> done) override {
    time_.post([answer = find(request), done = std::move(done)]() mutable { done(std::move(answer)); });
  }
  void on_change(std::function<void(const std::string&)> callback) override { changed_ = std::move(callback); }

 private:
  using Commits = std::map<std::pair<std::string, std::string>, Manifests>;

  [[nodiscard]] Result<Manifests> find(const SourceRequest& request) const {
    const std::string branch =
        request.target_revision.empty() || request.target_revision == "HEAD" ? "main" : request.target_revision;
    const Manifests* found = nullptr;
    for (const Commits* in : {&commits_, &branches_}) {
      if (const auto it = in->find({request.repo_url, branch}); it != in->end()) found = &it->second;
    }
    if (found == nullptr) return fail("repository {} has no revision {}", request.repo_url, branch);
    Manifests out = *found;
    if (!out.manifests) return out;
    std::erase_if(*out.manifests, [&](const Manifest& m) { return !below(m.file, request.path, request.recurse); });
    return out;
  }
  [[nodiscard]] static bool below(const std::string& file, const std::string& path, bool recurse) {
    const std::string folder = path.empty() || path == "." ? "" : path + "/";
    if (!file.starts_with(folder)) return false;
    return recurse || file.find('/', folder.size()) == std::string::npos;
  }

  VirtualTime& time_;
  Commits commits_;
  Commits branches_;
  std::function<void(const std::string&)> changed_;
};

}  // namespace fairlead::seam
