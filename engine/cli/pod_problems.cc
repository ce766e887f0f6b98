#include "engine/cli/pod_problems.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/image_reference.h"

namespace fairlead::cli {
namespace {

/// As often as a probe's default failureThreshold: less is a container that is about to be ready.
constexpr std::int64_t kFailedProbes = 3;

/// What is wrong with one container: the same reason twice is the same trouble.
struct Trouble {
  std::string reason;
  std::string text;
};

std::string_view last_line(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \r\n");
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  return text.substr(text.find_last_of('\n') + 1);
}

/// How a container ended: its exit code, and the last that it printed where its message holds that.
std::string ending(const Value& terminated, std::string_view pod) {
  const std::string_view said = last_line(terminated.at("message").str());
  return fmt::format("ended with exit code {}{}: see `fairlead logs {}`", terminated.at("exitCode").int_or(0),
                     said.empty() ? "" : fmt::format(", saying \"{}\"", said), pod);
}

/// The probe that a running container fails, in the words of the newest event about it.
std::string failed_probe(const ServiceObjects& objects, const Value& pod, std::string_view container) {
  std::string_view when;
  std::string out;
  const std::string field = fmt::format("spec.containers{{{}}}", container);
  for (const Value& event : objects.events) {
    const Value& about = event.at("involvedObject");
    const std::string_view at = event.at("lastTimestamp").str();
    if (about.at("uid") != pod.at("metadata", "uid") || event.at("count").int_or(0) < kFailedProbes || at < when)
      continue;
    if (const std::string_view place = about.at("fieldPath").str(); !place.empty() && place != field) continue;
    when = at;
    out = event.at("message").str();
  }
  return out;
}

/// How to get an image that could not be pulled, where this checkout can make it.
std::string image_advice(const ServiceObjects& objects, std::string_view image) {
  const std::string name = ImageReference::parse(image).name;
  const std::string service = name.substr(name.rfind('/') + 1);
  if (std::ranges::find(objects.buildable, service) == objects.buildable.end()) return {};
  return fmt::format(": `fairlead ship {}` builds one and pins it", service);
}

Trouble trouble_of(const ServiceObjects& objects, const Value& pod, const Value& container) {
  const std::string_view name = pod.at("metadata", "name").str();
  const Value& waiting = container.at("state", "waiting");
  const Value& before = container.at("lastState", "terminated");
  const std::string reason(waiting.at("reason").str());
  if (reason == "CrashLoopBackOff" && !before.is_null())
    return {reason, fmt::format("{}: {}", reason, ending(before, name))};
  if (!reason.empty() && reason != "ContainerCreating" && reason != "PodInitializing") {
    return {reason,
            fmt::format("{}: {}{}", reason, waiting.at("message").str(),
                        reason.contains("ImagePull") ? image_advice(objects, container.at("image").str()) : "")};
  }
  if (!container.at("state").has("running") || container.at("ready").bool_or(true)) return {};
  const std::string probe = failed_probe(objects, pod, container.at("name").str());
  return probe.empty() ? Trouble{} : Trouble{"not Ready", "not Ready: " + probe};
}

/// Why a version has fewer pods than it should: Pod Security, a quota or another admission step refuses them.
void add_refused(const ServiceObjects& objects, const VersionStatus& version, std::vector<std::string>& out) {
  for (const Value& set : objects.replica_sets) {
    if (!owned_by(set, objects.rollout) || set.at("metadata", "labels", kHashLabel).str() != version.hash) continue;
    for (const Value& condition : set.at("status", "conditions").items()) {
      if (condition.at("type").str() != "ReplicaFailure" || condition.at("status").str() != "True") continue;
      out.push_back(fmt::format("{} {}: {}: {}", version.role, version.label, condition.at("reason").str(),
                                condition.at("message").str()));
    }
  }
}

void add_troubled(const ServiceObjects& objects, const VersionStatus& version, std::vector<std::string>& out) {
  std::set<std::string> reasons;
  for (const Value& pod : objects.pods) {
    const bool ours = pod.at("metadata", "namespace") == objects.rollout.at("metadata", "namespace") &&
                      pod.at("metadata", "labels", kHashLabel).str() == version.hash;
    // Whatever a pod does on its way out is meant.
    if (!ours || pod.at("metadata").has("deletionTimestamp")) continue;
    for (const Value& container : pod.at("status", "containerStatuses").items()) {
      const Trouble trouble = trouble_of(objects, pod, container);
      if (trouble.text.empty() || !reasons.insert(trouble.reason).second) continue;
      out.push_back(fmt::format("{} {}, pod {}: {}", version.role, version.label, pod.at("metadata", "name").str(),
                                trouble.text));
    }
  }
}

}  // namespace

std::vector<std::string> pod_problems(const ServiceObjects& objects, const std::vector<VersionStatus>& versions) {
  std::vector<std::string> out;
  for (const VersionStatus& version : versions) add_refused(objects, version, out);
  for (const VersionStatus& version : versions) add_troubled(objects, version, out);
  return out;
}

}  // namespace fairlead::cli
