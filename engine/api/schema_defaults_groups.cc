#include <array>
#include <cctype>
#include <limits>
#include <string>

#include "engine/api/schema_defaults.h"

namespace fairlead::api {
namespace {

/// Deployments and DaemonSets: the parameters exist whenever the type calls for them.
void rolling_update(Value& value) {
  const std::string_view type = value.at("type").str();
  if (type.empty() || type == "RollingUpdate") set_if_absent(value, "rollingUpdate", Value::object());
}

/// StatefulSets: only where nobody chose a type.
void stateful_set_strategy(Value& value) {
  if (!value.at("type").str().empty()) return;
  value.set("type", "RollingUpdate");
  set_if_absent(value, "rollingUpdate", Value::object());
}

/// On the Job alone: the template of a CronJob stays as it was written.
void job(Value& value) {
  Value& spec = value["spec"];
  if (spec.at("completions").is_null() && spec.at("parallelism").is_null()) spec.set("completions", 1);
  set_if_absent(spec, "parallelism", 1);
  const bool per_index = !spec.at("backoffLimitPerIndex").is_null();
  set_if_absent(spec, "backoffLimit", per_index ? std::numeric_limits<std::int32_t>::max() : 6);
  set_if_absent(spec, "podReplacementPolicy", spec.at("podFailurePolicy").is_null() ? "TerminatingOrFailed" : "Failed");
  set_if_absent(spec, "completionMode", "NonIndexed");
  set_if_absent(spec, "suspend", false);
  set_if_absent(spec, "manualSelector", false);
  const Value labels = spec.at("template", "metadata", "labels");
  if (!labels.empty() && value.at("metadata", "labels").empty()) value["metadata"].set("labels", labels);
}

/// Claim templates are whole objects and say so.
void stateful_set_spec(Value& value) {
  Value* templates = value.find("volumeClaimTemplates");
  if (templates == nullptr || !templates->is_array()) return;
  for (Value& claim : templates->mutable_items()) {
    set_if_absent(claim, "apiVersion", "v1");
    set_if_absent(claim, "kind", "PersistentVolumeClaim");
  }
}

void autoscaler_spec(Value& value) {
  if (!value.at("metrics").empty()) return;
  const Value target = Value::object({{"type", "Utilization"}, {"averageUtilization", 80}});
  const Value resource = Value::object({{"name", "cpu"}, {"target", target}});
  value.set("metrics", Value::array({Value::object({{"type", "Resource"}, {"resource", resource}})}));
}

Value scaling_policy(std::string_view type, int amount) {
  return Value::object({{"type", type}, {"value", amount}, {"periodSeconds", 15}});
}

/// Both directions are filled in as soon as there is a behavior; scaling down has no window of its own, because the
/// controller's flag decides it.
void autoscaler_behavior(Value& value) {
  Value& up = value["scaleUp"];
  if (up.is_null()) up = Value::object();
  set_if_absent(up, "stabilizationWindowSeconds", 0);
  set_if_absent(up, "selectPolicy", "Max");
  set_if_absent(up, "policies", Value::array({scaling_policy("Pods", 4), scaling_policy("Percent", 100)}));
  Value& down = value["scaleDown"];
  if (down.is_null()) down = Value::object();
  set_if_absent(down, "selectPolicy", "Max");
  set_if_absent(down, "policies", Value::array({scaling_policy("Percent", 100)}));
}

void network_policy_spec(Value& value) {
  if (!value.at("policyTypes").empty()) return;
  Value types = Value::array({"Ingress"});
  if (!value.at("egress").empty()) types.push_back("Egress");
  value.set("policyTypes", std::move(types));
}

void subject(Value& value) {
  const std::string_view kind = value.at("kind").str();
  if (kind == "User" || kind == "Group") set_if_absent(value, "apiGroup", "rbac.authorization.k8s.io");
}

void device_request(Value& value) {
  const std::string_view mode = value.at("allocationMode").str();
  if (mode.empty() || mode == "ExactCount") set_if_absent(value, "count", 1);
}

void definition(Value& value) {
  if (!value.at("status", "storedVersions").empty()) return;
  for (const Value& version : value.at("spec", "versions").items()) {
    if (!version.at("storage").bool_or(false)) continue;
    value.make("status", "storedVersions") = Value::array({version.at("name")});
    return;
  }
}

void definition_names(Value& value) {
  const std::string kind(value.at("kind").str());
  if (kind.empty()) return;
  std::string lower = kind;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  set_if_absent(value, "singular", lower);
  set_if_absent(value, "listKind", kind + "List");
}

constexpr std::array kGroups{
    ConditionalDefault{"io.k8s.api.apps.v1.DeploymentStrategy", rolling_update},
    ConditionalDefault{"io.k8s.api.apps.v1.DaemonSetUpdateStrategy", rolling_update},
    ConditionalDefault{"io.k8s.api.apps.v1.StatefulSetUpdateStrategy", stateful_set_strategy},
    ConditionalDefault{"io.k8s.api.apps.v1.StatefulSetSpec", stateful_set_spec},
    ConditionalDefault{"io.k8s.api.batch.v1.Job", job},
    ConditionalDefault{"io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec", autoscaler_spec},
    ConditionalDefault{"io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior", autoscaler_behavior},
    ConditionalDefault{"io.k8s.api.networking.v1.NetworkPolicySpec", network_policy_spec},
    ConditionalDefault{"io.k8s.api.rbac.v1.Subject", subject},
    ConditionalDefault{"io.k8s.api.resource.v1.ExactDeviceRequest", device_request},
    ConditionalDefault{"io.k8s.api.resource.v1.DeviceSubRequest", device_request},
    ConditionalDefault{"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition", definition},
    ConditionalDefault{"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames",
                       definition_names},
};

}  // namespace

std::span<const ConditionalDefault> group_defaults() { return kGroups; }

}  // namespace fairlead::api
