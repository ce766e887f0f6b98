#include <algorithm>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/ranges.h>

#include "engine/cli/cluster.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {
namespace {

/// Prints whole lines, so that several pods do not mix within one.
class LineWriter {
 public:
  explicit LineWriter(std::string prefix) : prefix_(std::move(prefix)) {}
  ~LineWriter() {
    if (!pending_.empty()) add("\n");
  }
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  void add(std::string_view chunk) {
    pending_ += chunk;
    std::string out;
    std::size_t start = 0;
    for (std::size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n', start)) {
      out += prefix_ + pending_.substr(start, end + 1 - start);
      start = end + 1;
    }
    pending_.erase(0, start);
    static std::mutex mutex;
    const std::scoped_lock lock(mutex);
    print(out);
  }

 private:
  std::string prefix_;
  std::string pending_;
};

std::string log_path(const LogsOptions& options, const std::string& pod) {
  std::string out = fmt::format("/api/v1/namespaces/{}/pods/{}/log?follow={}&previous={}&timestamps={}", options.ns,
                                pod, options.follow, options.previous, options.timestamps);
  if (!options.container.empty()) out += "&container=" + options.container;
  if (options.tail >= 0) out += fmt::format("&tailLines={}", options.tail);
  return out;
}

Result<std::vector<std::string>> pods_of(Cluster& cluster, const LogsOptions& options) {
  const auto pods = cluster.list(fmt::format("/api/v1/namespaces/{}/pods", options.ns));
  if (!pods) return std::unexpected(pods.error());
  std::vector<std::string> out;
  std::set<std::string_view> services;
  for (const Value& pod : *pods) {
    const std::string_view name = pod.at("metadata", "name").str();
    const Value& labels = pod.at("metadata", "labels");
    if (const std::string_view app = labels.at("app").str(); !app.empty()) services.insert(app);
    if (name == options.target || labels.at("app").str() == options.target ||
        labels.at("app.kubernetes.io/name").str() == options.target) {
      out.emplace_back(name);
    }
  }
  if (out.empty() && services.empty()) return fail("there are no pods in namespace {}", options.ns);
  if (out.empty()) {
    return fail("there is no pod or service {} in namespace {}, only the services {}", options.target, options.ns,
                fmt::join(services, ", "));
  }
  return out;
}

}  // namespace

int run_logs(const Project& project, const LogsOptions& options) {
  auto cluster = Cluster::open(project);
  if (!cluster) {
    print_error(cluster.error().message);
    return kFailed;
  }
  const auto pods = pods_of(*cluster, options);
  if (!pods) {
    print_error(pods.error().message);
    return kUsage;
  }
  std::vector<Result<>> results(pods->size());
  {
    std::vector<std::jthread> readers;
    for (std::size_t i = 0; i < pods->size(); ++i) {
      readers.emplace_back([&, i] {
        LineWriter writer(pods->size() > 1 ? paint(Tone::kDim, (*pods)[i] + " | ") : "");
        results[i] = cluster->stream(log_path(options, (*pods)[i]), [&](std::string_view chunk) { writer.add(chunk); });
      });
    }
  }
  int code = kOk;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i]) continue;
    print_error(fmt::format("{}: {}", (*pods)[i], results[i].error().message));
    code = kFailed;
  }
  return code;
}

}  // namespace fairlead::cli
