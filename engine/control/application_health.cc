#include "engine/control/application_health.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

Health progressing(std::string message) { return {HealthStatus::kProgressing, std::move(message)}; }
Health degraded(std::string message) { return {HealthStatus::kDegraded, std::move(message)}; }
Health suspended(std::string message) { return {HealthStatus::kSuspended, std::move(message)}; }

bool observed(const Value& object) {
  const Value& generation = object.at("status", "observedGeneration");
  // Rollouts keep it as a string, as upstream does.
  const std::string seen =
      generation.is_string() ? std::string(generation.str()) : std::to_string(generation.int_or(0));
  return seen == std::to_string(object.at("metadata", "generation").int_or(0));
}

/// Deployment and ReplicaSet, by the replica counts that upstream compares, in its order.
Health replicas_health(const Value& object) {
  const Value& status = object.at("status");
  const std::int64_t wanted = object.at("spec", "replicas").int_or(1);
  const std::int64_t updated = status.at("updatedReplicas").int_or(0);
  const std::int64_t available = status.at("availableReplicas").int_or(0);
  if (updated < wanted) {
    return progressing(
        fmt::format("Waiting for rollout to finish: {} out of {} new replicas have been updated...", updated, wanted));
  }
  if (const std::int64_t all = status.at("replicas").int_or(0); all > updated) {
    return progressing(
        fmt::format("Waiting for rollout to finish: {} old replicas are pending termination...", all - updated));
  }
  if (available < updated) {
    return progressing(
        fmt::format("Waiting for rollout to finish: {} of {} updated replicas are available...", available, updated));
  }
  return {};
}

Health deployment_health(const Value& object) {
  if (object.at("spec", "paused").bool_or(false)) return suspended("Deployment is paused");
  if (!observed(object))
    return progressing("Waiting for rollout to finish: observed deployment generation less than desired generation");
  const Value& progress = condition_called(object.at("status"), "Progressing");
  if (progress.at("reason").str() == "ProgressDeadlineExceeded") {
    return degraded(
        fmt::format("Deployment \"{}\" exceeded its progress deadline", object.at("metadata", "name").str()));
  }
  return replicas_health(object);
}

Health replica_set_health(const Value& object) {
  if (!observed(object))
    return progressing("Waiting for rollout to finish: observed replica set generation less than desired generation");
  const Value& failure = condition_called(object.at("status"), "ReplicaFailure");
  if (failure.at("status").str() == "True") return degraded(std::string(failure.at("message").str()));
  const std::int64_t wanted = object.at("spec", "replicas").int_or(1);
  const std::int64_t available = object.at("status", "availableReplicas").int_or(0);
  if (available < wanted) {
    return progressing(
        fmt::format("Waiting for rollout to finish: {} out of {} new replicas are available...", available, wanted));
  }
  return {};
}

Health rollout_health(const Value& object) {
  if (!observed(object)) return progressing("Waiting for rollout spec update to be observed");
  const std::string_view phase = object.at("status", "phase").str();
  std::string message(object.at("status", "message").str());
  if (phase == "Healthy") return {HealthStatus::kHealthy, std::move(message)};
  if (phase == "Paused") return suspended(std::move(message));
  if (phase == "Degraded") return degraded(std::move(message));
  return progressing(message.empty() ? "Waiting for rollout to finish" : std::move(message));
}

Health pod_health(const Value& object) {
  const std::string_view phase = object.at("status", "phase").str();
  if (phase == "Succeeded") return {};
  if (phase == "Failed") return degraded(std::string(object.at("status", "message").str()));
  for (const Value& container : object.at("status", "containerStatuses").items()) {
    const std::string_view reason = container.at("state", "waiting", "reason").str();
    if (reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff")) {
      return degraded(std::string(container.at("state", "waiting", "message").string_or(reason)));
    }
  }
  if (phase == "Running" && condition_called(object.at("status"), "Ready").at("status").str() == "True") return {};
  return progressing(std::string(object.at("status", "message").str()));
}

Health job_health(const Value& object) {
  const Value& conditions = object.at("status", "conditions");
  if (const Value& failed = condition_in(conditions, "Failed"); failed.at("status").str() == "True") {
    return degraded(std::string(failed.at("message").str()));
  }
  if (condition_in(conditions, "Complete").at("status").str() == "True") return {};
  if (object.at("spec", "suspend").bool_or(false)) return suspended("Job is suspended");
  return progressing("");
}

Health hpa_health(const Value& object) {
  const Value& conditions = object.at("status", "conditions");
  if (conditions.empty()) return progressing("Waiting to Autoscale");
  for (const char* type : {"AbleToScale", "ScalingActive"}) {
    const Value& c = condition_in(conditions, type);
    const std::string_view reason = c.at("reason").str();
    static constexpr std::array<std::string_view, 6> kFailures = {
        "FailedGetScale",  "FailedUpdateScale",       "FailedGetResourceMetric",
        "InvalidSelector", "InvalidMetricSourceType", "FailedComputeMetricsReplicas"};
    if (c.at("status").str() == "False" && std::ranges::find(kFailures, reason) != kFailures.end()) {
      // Upstream calls a missing metric or selector degraded; what was just made is only on its way there.
      return reason == "FailedGetResourceMetric" || reason == "InvalidSelector"
                 ? progressing(std::string(c.at("message").str()))
                 : degraded(std::string(c.at("message").str()));
    }
  }
  return {};
}

/// Gateway API: every parent (or the object itself) must accept and resolve.
Health gateway_health(const Value& conditions) {
  for (const char* type : {"Accepted", "ResolvedRefs", "Programmed"}) {
    const Value& c = condition_in(conditions, type);
    if (c.at("status").str() == "False") {
      return c.at("reason").str() == "Pending" ? progressing(std::string(c.at("message").str()))
                                               : degraded(std::string(c.at("message").str()));
    }
  }
  return {};
}

Health route_health(const Value& object) {
  const Value& parents = object.at("status", "parents");
  if (parents.empty()) return progressing("Waiting for a Gateway to accept the route");
  for (const Value& parent : parents.items()) {
    if (Health h = gateway_health(parent.at("conditions")); h.status != HealthStatus::kHealthy) return h;
  }
  return {};
}

Health analysis_run_health(const Value& object) {
  const std::string_view phase = object.at("status", "phase").str();
  std::string message(object.at("status", "message").str());
  if (phase == "Successful") return {};
  if (phase == "Failed" || phase == "Error") return degraded(std::move(message));
  if (phase == "Inconclusive") return {HealthStatus::kUnknown, std::move(message)};
  return progressing(std::move(message));
}

}  // namespace

std::string_view to_string(HealthStatus status) {
  static constexpr std::array<std::string_view, 6> kWords = {"Healthy", "Suspended", "Progressing",
                                                             "Missing", "Degraded",  "Unknown"};
  return kWords.at(static_cast<std::size_t>(status));
}

Health health_of(const api::Resource& resource, const Value& object) {
  if (object.at("metadata").has("deletionTimestamp")) return progressing("Pending deletion");
  const std::string_view kind = resource.kind;
  if (resource.group == "apps" && kind == "Deployment") return deployment_health(object);
  if (resource.group == "apps" && kind == "ReplicaSet") return replica_set_health(object);
  if (resource.group == "argoproj.io" && kind == "Rollout") return rollout_health(object);
  if (resource.group == "argoproj.io" && kind == "AnalysisRun") return analysis_run_health(object);
  if (resource.group == "batch" && kind == "Job") return job_health(object);
  if (resource.group == "autoscaling") return hpa_health(object);
  if (resource.group == "gateway.networking.k8s.io" && kind == "HTTPRoute") return route_health(object);
  if (resource.group == "gateway.networking.k8s.io" && kind == "Gateway")
    return gateway_health(object.at("status", "conditions"));
  if (resource.group.empty() && kind == "Pod") return pod_health(object);
  if (resource.group.empty() && kind == "Service") return {};
  return {HealthStatus::kHealthy, {}, false};
}

}  // namespace fairlead::control
