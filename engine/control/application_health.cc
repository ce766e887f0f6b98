#include "engine/control/application_health.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "engine/control/application_health_kinds.h"
#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

/// By reason alone, whatever the condition holds. An autoscaler whose pods have no figures yet is Degraded until they
/// have, as upstream's is: who waits for an Application must wait through that.
bool is_broken(const Value& condition) {
  using Pair = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Pair, 8> kBroken = {{{"AbleToScale", "FailedGetScale"},
                                                   {"AbleToScale", "FailedUpdateScale"},
                                                   {"ScalingActive", "FailedGetResourceMetric"},
                                                   {"ScalingActive", "FailedGetObjectMetric"},
                                                   {"ScalingActive", "FailedGetPodsMetric"},
                                                   {"ScalingActive", "FailedGetExternalMetric"},
                                                   {"ScalingActive", "FailedComputeMetricsReplicas"},
                                                   {"ScalingActive", "InvalidSelector"}}};
  return std::ranges::find(kBroken, Pair(condition.at("type").str(), condition.at("reason").str())) != kBroken.end();
}

Health autoscaler_health(const Value& object) {
  const auto& conditions = object.at("status", "conditions").items();
  for (const Value& c : conditions)
    if (is_broken(c)) return Health::degraded(c.at("message").str());
  for (const Value& c : conditions) {
    const std::string_view type = c.at("type").str();
    if ((type == "AbleToScale" || type == "ScalingLimited") && c.at("status").str() == "True")
      return Health::healthy(c.at("message").str());
  }
  return Health::progressing("Waiting to Autoscale");
}

Health budget_health(const Value& object) {
  Health out = Health::progressing("Waiting for status");
  for (const Value& c : object.at("status", "conditions").items()) {
    const std::string_view reason = c.at("reason").str();
    const std::string message = fmt::format("PodDisruptionBudget has {}", reason);
    if (c.at("status").str() == "False" && reason != "InsufficientPods") return Health::degraded(message);
    out = Health::healthy(message);
  }
  return out;
}

Health definition_health(const Value& object) {
  const Value& conditions = object.at("status", "conditions");
  if (conditions.empty()) return Health::progressing("Status conditions not found");
  const auto holds = [&](const char* type, std::string_view what) {
    return condition_in(conditions, type).at("status").str() == what;
  };
  const auto said = [&](const char* type) { return condition_in(conditions, type).at("message").str(); };
  if (holds("Terminating", "True"))
    return Health::progressing(fmt::format("CRD is terminating: {}", said("Terminating")));
  if (holds("NamesAccepted", "False"))
    return Health::degraded(fmt::format("CRD names have not been accepted: {}", said("NamesAccepted")));
  if (holds("NonStructuralSchema", "True"))
    return Health::degraded(fmt::format("Schema violations found: {}", said("NonStructuralSchema")));
  if (holds("Established", "True")) return Health::healthy("CRD is healthy");
  return condition_in(conditions, "Established").at("reason").str() == "Installing"
             ? Health::progressing("CRD is being installed")
             : Health::degraded("CRD is not established");
}

Health by_ready(const Value& object, std::string_view kind) {
  const Value& ready = condition_called(object.at("status"), "Ready");
  if (ready.at("status").str() == "False") return Health::degraded(ready.at("message").str());
  if (ready.at("status").str() == "True") return Health::healthy(ready.at("message").str());
  return Health::progressing(fmt::format("Waiting for {}", kind));
}

Health scaled_object_health(const Value& object) {
  const Value& conditions = object.at("status", "conditions");
  const auto holds = [&](const char* type, std::string_view what) {
    return condition_in(conditions, type).at("status").str() == what;
  };
  std::string_view message;
  for (const Value& c : conditions.items()) {
    const std::string_view type = c.at("type").str();
    if (type == "Ready" || ((type == "Paused" || type == "Fallback") && c.at("status").str() == "True"))
      message = c.at("message").str();
  }
  if (holds("Ready", "False") || holds("Fallback", "True")) return Health::degraded(message);
  if (!holds("Ready", "True")) return Health::progressing("Creating HorizontalPodAutoscaler Object");
  return holds("Paused", "True") ? Health::suspended(message) : Health::healthy(message);
}

struct Check {
  std::string_view group;
  std::string_view kind;
  Health (*health)(const Value&);
};

/// Without PersistentVolumeClaim and Ingress, which upstream assesses: nothing acts on them here, so that they would
/// stay Progressing and hold up each sync; who applies them is warned of it.
constexpr std::array<Check, 18> kChecks = {{
    {"", "Pod", pod_health},
    {"", "Service", service_health},
    {"apps", "Deployment", deployment_health},
    {"apps", "ReplicaSet", replica_set_health},
    {"apps", "StatefulSet", stateful_set_health},
    {"apps", "DaemonSet", daemon_set_health},
    {"batch", "Job", job_health},
    {"autoscaling", "HorizontalPodAutoscaler", autoscaler_health},
    {"policy", "PodDisruptionBudget", budget_health},
    {"apiextensions.k8s.io", "CustomResourceDefinition", definition_health},
    {"argoproj.io", "Rollout", rollout_health},
    {"argoproj.io", "AnalysisRun", analysis_run_health},
    {"gateway.networking.k8s.io", "Gateway", gateway_health},
    {"gateway.networking.k8s.io", "GatewayClass", gateway_class_health},
    {"gateway.networking.k8s.io", "HTTPRoute", route_health},
    {"external-secrets.io", "ExternalSecret", [](const Value& o) { return by_ready(o, "ExternalSecret"); }},
    {"external-secrets.io", "SecretStore", [](const Value& o) { return by_ready(o, "SecretStore"); }},
    {"keda.sh", "ScaledObject", scaled_object_health},
}};

}  // namespace

std::string_view to_string(HealthStatus status) {
  static constexpr std::array<std::string_view, 6> kWords = {"Healthy", "Suspended", "Progressing",
                                                             "Missing", "Degraded",  "Unknown"};
  return kWords.at(static_cast<std::size_t>(status));
}

Health health_of(const api::Resource& resource, const Value& object) {
  if (object.at("metadata").has("deletionTimestamp")) return Health::progressing("Pending deletion");
  const auto check = std::ranges::find_if(
      kChecks, [&](const Check& c) { return c.group == resource.group && c.kind == resource.kind; });
  if (check == kChecks.end()) return {HealthStatus::kHealthy, {}, false};
  return check->health(object);
}

}  // namespace fairlead::control
