#include "engine/gitops/git_source.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/json.h"
#include "base/yaml.h"
#include "engine/gitops/git_repository.h"

namespace fairlead::gitops {
namespace {

bool is_manifest(std::string_view path) {
  return path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
}

std::string without_suffix(std::string_view url) {
  if (url.ends_with(".git")) url.remove_suffix(4);
  return std::string(url);
}

Result<std::vector<Value>> parse(const File& file) {
  if (!file.path.ends_with(".json")) return parse_yaml(file.content, file.path);
  auto value = parse_json(file.content, file.path);
  if (!value) return std::unexpected(value.error());
  return std::vector<Value>{std::move(*value)};
}

class GitSource final : public seam::Source {
 public:
  GitSource(GitSourceOptions options, seam::Executor& control)
      : options_(std::move(options)), control_(control), thread_([this](const std::stop_token& stop) { work(stop); }) {}

  ~GitSource() override {
    thread_.request_stop();
    ready_.notify_all();
  }

  void manifests(seam::SourceRequest request, seam::Done<seam::Manifests> done) override {
    const std::scoped_lock lock(mutex_);
    requests_.push_back({std::move(request), std::move(done)});
    ready_.notify_all();
  }

  void on_change(std::function<void(const std::string&)> callback) override {
    const std::scoped_lock lock(mutex_);
    on_change_ = std::make_shared<std::function<void(const std::string&)>>(std::move(callback));
  }

 private:
  struct Job {
    seam::SourceRequest request;
    seam::Done<seam::Manifests> done;
  };

  void work(const std::stop_token& stop) {
    std::string seen = fingerprint();
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      ready_.wait_for(lock, stop, options_.poll, [this] { return !requests_.empty(); });
      if (stop.stop_requested()) return;
      std::deque<Job> jobs;
      jobs.swap(requests_);
      const auto callback = on_change_;
      lock.unlock();
      for (Job& job : jobs) answer(std::move(job));
      if (std::string now = fingerprint(); now != seen) {
        seen = std::move(now);
        if (callback) control_.post([callback, url = options_.repo_url] { (*callback)(url); });
      }
      lock.lock();
    }
  }

  [[nodiscard]] std::string fingerprint() const {
    const auto repository = GitRepository::open(options_.repository);
    return repository ? repository->fingerprint() : std::string();
  }

  void answer(Job job) {
    Result<seam::Manifests> result = read(job.request);
    control_.post([done = std::move(job.done), result = std::move(result)]() mutable { done(std::move(result)); });
  }

  [[nodiscard]] Result<seam::Manifests> read(const seam::SourceRequest& request) const {
    if (without_suffix(request.repo_url) != without_suffix(options_.repo_url)) {
      return fail("repository {} cannot be reached from this machine: only {} is served here", request.repo_url,
                  options_.repo_url);
    }
    const auto repository = GitRepository::open(options_.repository);
    if (!repository) return std::unexpected(repository.error());
    return read_manifests(*repository, request);
  }

  GitSourceOptions options_;
  seam::Executor& control_;
  std::mutex mutex_;
  std::condition_variable_any ready_;
  std::deque<Job> requests_;
  std::shared_ptr<std::function<void(const std::string&)>> on_change_;
  std::jthread thread_;  // Last: it uses everything above.
};

Result<std::vector<seam::Manifest>> manifests_at(const GitRepository& repository, const std::string& sha,
                                                 const seam::SourceRequest& request) {
  auto files = repository.files(sha, request.path, request.recurse, &is_manifest);
  if (!files) return std::unexpected(files.error());
  std::vector<seam::Manifest> out;
  for (const File& file : *files) {
    auto documents = parse(file);
    if (!documents) return std::unexpected(documents.error());
    for (Value& document : *documents) {
      if (document.at("apiVersion").str().empty() || document.at("kind").str().empty()) {
        return std::unexpected(document.error("not a Kubernetes object: apiVersion and kind are needed", file.path));
      }
      out.push_back({file.path, std::move(document)});
    }
  }
  return out;
}

}  // namespace

Result<seam::Manifests> read_manifests(const GitRepository& repository, const seam::SourceRequest& request) {
  auto commit = repository.resolve(request.target_revision);
  if (!commit) return std::unexpected(commit.error());
  return seam::Manifests{commit->sha, commit->author, commit->summary, manifests_at(repository, commit->sha, request)};
}

std::unique_ptr<seam::Source> git_source(GitSourceOptions options, seam::Executor& control) {
  return std::make_unique<GitSource>(std::move(options), control);
}

}  // namespace fairlead::gitops
