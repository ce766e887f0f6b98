#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/control/application_health_kinds.h"
#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

std::int64_t count(const Value& object, const char* field) { return object.at("status", field).int_or(0); }
std::int64_t wanted(const Value& object) { return object.at("spec", "replicas").int_or(1); }

bool observed(const Value& object) {
  return object.at("metadata", "generation").int_or(0) <= count(object, "observedGeneration");
}

/// Rollouts keep it as text. One without a number counts as observed, as those of old versions did.
bool rollout_observed(const Value& object) {
  if (object.at("status").is_null()) return false;
  const std::string_view text = object.at("status", "observedGeneration").str();
  const std::int64_t generation = object.at("metadata", "generation").int_or(0);
  std::int64_t seen = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seen);
  return text.empty() || ec != std::errc() || seen >= generation;
}

/// A pod that is meant to run on, not to end.
bool runs_on(const Value& pod) {
  return pod.at("spec", "restartPolicy").string_or("Always") == "Always" ||
         pod.at("metadata", "annotations", "argocd.argoproj.io/ignore-restart-policy").str() == "true";
}

bool is_trouble(std::string_view reason) {
  return reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff");
}

std::string why_failed(const Value& container) {
  const Value& ended = container.at("state", "terminated");
  if (!ended.at("message").str().empty()) return std::string(ended.at("message").str());
  if (ended.at("reason").str() == "OOMKilled") return "OOMKilled";
  const std::int64_t code = ended.at("exitCode").int_or(0);
  if (code == 0) return {};
  return fmt::format("container \"{}\" failed with exit code {}", container.at("name").str(), code);
}

Health failed_pod(const Value& status) {
  if (!status.at("message").str().empty()) return Health::degraded(status.at("message").str());
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const Value& container : status.at(list).items())
      if (const std::string why = why_failed(container); !why.empty()) return Health::degraded(why);
  }
  return Health::degraded({});
}

Health running_pod(const Value& pod) {
  const Value& status = pod.at("status");
  const std::string_view message = status.at("message").str();
  if (!runs_on(pod)) return Health::progressing(message);
  if (condition_called(status, "Ready").at("status").str() == "True") return Health::healthy(message);
  const auto ended_before = [](const Value& c) { return !c.at("lastState", "terminated").is_null(); };
  if (std::ranges::any_of(status.at("containerStatuses").items(), ended_before)) return Health::degraded(message);
  return Health::progressing(message);
}

}  // namespace

Health deployment_health(const Value& object) {
  if (object.at("spec", "paused").bool_or(false)) return Health::suspended("Deployment is paused");
  if (!observed(object)) {
    return Health::progressing(
        "Waiting for rollout to finish: observed deployment generation less than desired generation");
  }
  if (condition_called(object.at("status"), "Progressing").at("reason").str() == "ProgressDeadlineExceeded") {
    return Health::degraded(
        fmt::format("Deployment \"{}\" exceeded its progress deadline", object.at("metadata", "name").str()));
  }
  const std::int64_t updated = count(object, "updatedReplicas");
  if (updated < wanted(object)) {
    return Health::progressing(fmt::format(
        "Waiting for rollout to finish: {} out of {} new replicas have been updated...", updated, wanted(object)));
  }
  if (const std::int64_t all = count(object, "replicas"); all > updated) {
    return Health::progressing(
        fmt::format("Waiting for rollout to finish: {} old replicas are pending termination...", all - updated));
  }
  if (const std::int64_t available = count(object, "availableReplicas"); available < updated) {
    return Health::progressing(
        fmt::format("Waiting for rollout to finish: {} of {} updated replicas are available...", available, updated));
  }
  return Health::healthy();
}

Health replica_set_health(const Value& object) {
  if (!observed(object)) {
    return Health::progressing(
        "Waiting for rollout to finish: observed replica set generation less than desired generation");
  }
  const Value& failure = condition_called(object.at("status"), "ReplicaFailure");
  if (failure.at("status").str() == "True") return Health::degraded(failure.at("message").str());
  if (const std::int64_t available = count(object, "availableReplicas"); available < wanted(object)) {
    return Health::progressing(fmt::format("Waiting for rollout to finish: {} out of {} new replicas are available...",
                                           available, wanted(object)));
  }
  return Health::healthy();
}

Health stateful_set_health(const Value& object) {
  const Value& strategy = object.at("spec", "updateStrategy");
  const std::int64_t updated = count(object, "updatedReplicas");
  if (count(object, "observedGeneration") == 0 || !observed(object))
    return Health::progressing("Waiting for statefulset spec update to be observed...");
  if (const std::int64_t ready = count(object, "readyReplicas"); ready < wanted(object))
    return Health::progressing(fmt::format("Waiting for {} pods to be ready...", wanted(object) - ready));
  if (strategy.at("type").str() == "RollingUpdate" && strategy.has("rollingUpdate")) {
    const std::int64_t moved = wanted(object) - strategy.at("rollingUpdate", "partition").int_or(wanted(object));
    if (updated < moved) {
      return Health::progressing(fmt::format(
          "Waiting for partitioned roll out to finish: {} out of {} new pods have been updated...", updated, moved));
    }
    return Health::healthy(fmt::format("partitioned roll out complete: {} new pods have been updated...", updated));
  }
  if (strategy.at("type").str() == "OnDelete")
    return Health::healthy(fmt::format("statefulset has {} ready pods", count(object, "readyReplicas")));
  const std::string_view next = object.at("status", "updateRevision").str();
  if (const std::string_view now = object.at("status", "currentRevision").str(); next != now) {
    return Health::progressing(
        fmt::format("waiting for statefulset rolling update to complete {} pods at revision {}...", updated, next));
  }
  return Health::healthy(fmt::format("statefulset rolling update complete {} pods at revision {}...",
                                     count(object, "currentReplicas"), next));
}

Health daemon_set_health(const Value& object) {
  const std::int64_t desired = count(object, "desiredNumberScheduled");
  const std::int64_t updated = count(object, "updatedNumberScheduled");
  if (!observed(object)) {
    return Health::progressing(
        "Waiting for rollout to finish: observed daemon set generation less than desired generation");
  }
  if (object.at("spec", "updateStrategy", "type").str() == "OnDelete")
    return Health::healthy(fmt::format("daemon set {} out of {} new pods have been updated", updated, desired));
  const std::string waiting =
      fmt::format("Waiting for daemon set \"{}\" rollout to finish", object.at("metadata", "name").str());
  if (updated < desired)
    return Health::progressing(
        fmt::format("{}: {} out of {} new pods have been updated...", waiting, updated, desired));
  if (const std::int64_t available = count(object, "numberAvailable"); available < desired)
    return Health::progressing(fmt::format("{}: {} of {} updated pods are available...", waiting, available, desired));
  return Health::healthy();
}

Health pod_health(const Value& object) {
  const Value& status = object.at("status");
  if (runs_on(object)) {
    std::vector<std::string_view> troubles;
    for (const Value& container : status.at("containerStatuses").items()) {
      const Value& waiting = container.at("state", "waiting");
      if (is_trouble(waiting.at("reason").str())) troubles.push_back(waiting.at("message").str());
    }
    if (!troubles.empty()) return Health::degraded(fmt::format("{}", fmt::join(troubles, ", ")));
  }
  const std::string_view phase = status.at("phase").str();
  const std::string_view message = status.at("message").str();
  if (phase == "Pending") return Health::progressing(message);
  if (phase == "Succeeded") return Health::healthy(message);
  if (phase == "Failed") return failed_pod(status);
  if (phase == "Running") return running_pod(object);
  return Health::unknown(message);
}

/// By which conditions there are, whatever they hold, except of Suspended.
Health job_health(const Value& object) {
  std::string_view message;
  std::string_view failure;
  bool complete = false;
  bool failed = false;
  bool suspended = false;
  for (const Value& condition : object.at("status", "conditions").items()) {
    const std::string_view type = condition.at("type").str();
    if (type == "Failed") failure = condition.at("message").str();
    if (type == "Complete" || type == "Suspended") message = condition.at("message").str();
    failed = failed || type == "Failed";
    suspended = suspended || (type == "Suspended" && condition.at("status").str() == "True");
    complete = complete || type == "Complete" || type == "Failed" || type == "Suspended";
  }
  if (!complete) return Health::progressing(message);
  if (failed) return Health::degraded(failure);
  return suspended ? Health::suspended(message) : Health::healthy(message);
}

Health rollout_health(const Value& object) {
  if (!rollout_observed(object)) return Health::progressing("Waiting for rollout spec update to be observed");
  const std::string_view phase = object.at("status", "phase").str();
  const std::string_view message = object.at("status", "message").str();
  if (phase == "Healthy") return Health::healthy(message);
  if (phase == "Paused") return Health::suspended(message);
  if (phase == "Degraded") return Health::degraded(message);
  return Health::progressing(message.empty() ? "Waiting for rollout to finish" : message);
}

Health analysis_run_health(const Value& object) {
  const std::string_view phase = object.at("status", "phase").str();
  const Value& message = object.at("status", "message");
  if (phase == "Successful") return Health::healthy(message.string_or("Analysis run completed successfully"));
  if (phase == "Failed") return Health::degraded(message.string_or("Analysis run failed"));
  if (phase == "Error") return Health::degraded(message.string_or("Analysis run had an error"));
  if (phase == "Inconclusive") return Health::unknown(message.string_or("Analysis run was inconclusive"));
  if (phase == "Pending" || phase == "Running") return Health::progressing("Analysis run is running");
  return Health::progressing("Waiting for analysis run to finish: status has not been reconciled.");
}

}  // namespace fairlead::control
