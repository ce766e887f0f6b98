#include "engine/api/pod_subresources.h"

#include <utility>

#include "base/time.h"
#include "engine/api/conditions.h"
#include "engine/api/delete_options.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kAllowed = "DisruptionAllowed";
constexpr std::size_t kMostDisrupted = 2000;  ///< Evictions that a budget has not seen the end of.

/// Pods whose end disturbs nobody: they are not counted by any budget.
bool bypasses_budgets(const Object& pod) {
  const std::string_view phase = pod.at("status", "phase").str();
  return phase == "Succeeded" || phase == "Failed" || phase == "Pending" || pod.deleting();
}

std::vector<ObjectPtr> budgets_of(const Api& api, const Object& pod) {
  std::vector<ObjectPtr> out;
  const Resource* resource = api.schema().by_kind("policy", "v1", "PodDisruptionBudget");
  if (resource == nullptr) return out;
  for (ObjectPtr& budget : api.list(*resource, pod.ns())) {
    const auto selector = Selector::from_label_selector(budget->at("spec", "selector"));
    if (selector && selector->matches(pod.at("metadata", "labels"))) out.push_back(std::move(budget));
  }
  return out;
}

Status too_many_disruptions(const Object& budget, std::string_view why) {
  Status status = Status::too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.", 0);
  status.causes.push_back(
      {FieldError::Reason::kDisruptionBudget, "", fmt::format("The disruption budget {} {}", budget.name(), why)});
  return status;
}

/// Why a budget that was counted allows no disruption. Counts are not to be trusted when counting failed.
std::string no_disruption(const Value& status) {
  const std::int64_t healthy = status.at("currentHealthy").int_or(0);
  const std::int64_t desired = status.at("desiredHealthy").int_or(0);
  const Value& allowed = condition_called(status, kAllowed);
  const std::string_view message = allowed.at("message").str();
  const bool said = allowed.at("status").str() == "False" && !message.empty();
  const std::string_view reason = allowed.at("reason").str();
  if (said && reason == "SyncFailed")
    return fmt::format("does not allow evicting pods currently because it failed sync: {}", message);
  if (healthy <= desired) return fmt::format("needs {} healthy pods and has {} currently", desired, healthy);
  if (said) return fmt::format("does not allow evicting pods currently ({}): {}", reason, message);
  return "does not allow evicting pods currently";
}

/// Source: pkg/api/v1/pod/util.go, UpdatePodCondition, and apimachinery's SetStatusCondition.
void set_condition(Value& status, Value condition, Time now) {
  Value& conditions = status["conditions"];
  if (conditions.is_null()) conditions = Value::array();
  condition.set("lastTransitionTime", format_time(now));
  for (Value& old : conditions.mutable_items()) {
    if (old.at("type") != condition.at("type")) continue;
    if (old.at("status") == condition.at("status")) condition.set("lastTransitionTime", old.at("lastTransitionTime"));
    old = std::move(condition);
    return;
  }
  conditions.push_back(std::move(condition));
}

/// Takes one disruption from what the budget allows.
void count_disruption(Value& status, std::string_view pod, Time now) {
  const std::int64_t left = status.at("disruptionsAllowed").int_or(0) - 1;
  status.set("disruptionsAllowed", left);
  status.make("disruptedPods").set(pod, format_time(now));
  if (left > 0) return;
  set_condition(status,
                Value::object({{"type", kAllowed},
                               {"status", "False"},
                               {"reason", "InsufficientPods"},
                               {"message", ""},
                               {"observedGeneration", status.at("observedGeneration")}}),
                now);
}

}  // namespace

ApiResult<> bind_pod(const Resource& resource, const Value& binding, Time now, Value& pod) {
  const std::string name(pod.at("metadata", "name").str());
  const std::string node(binding.at("target", "name").str());
  if (node.empty()) {
    return std::unexpected(
        Status::invalid(resource, name, {{FieldError::Reason::kRequired, "target.name", "Required value"}}));
  }
  if (const std::string_view kind = binding.at("target", "kind").str(); !kind.empty() && kind != "Node") {
    return std::unexpected(
        Status::invalid(resource, name, {unsupported_value("target.kind", fmt::format("\"{}\"", kind), "\"Node\"")}));
  }
  const std::string_view uid = binding.at("metadata", "uid").str();
  if (!uid.empty() && uid != pod.at("metadata", "uid").str()) {
    return std::unexpected(Status::conflict(resource, name, "the pod with this UID is gone"));
  }
  if (pod.at("metadata").has("deletionTimestamp")) {
    return std::unexpected(
        Status::conflict(resource, name, fmt::format("pod {} is being deleted, cannot be assigned to a host", name)));
  }
  if (!pod.at("spec", "schedulingGates").empty()) {
    return std::unexpected(
        Status::conflict(resource, name, fmt::format("pod {} has non-empty .spec.schedulingGates", name)));
  }
  if (const std::string_view old = pod.at("spec", "nodeName").str(); !old.empty()) {
    return std::unexpected(
        Status::conflict(resource, name, fmt::format("pod {} is already assigned to node \"{}\"", name, old)));
  }
  pod.make("spec").set("nodeName", node);
  for (const Member& annotation : binding.at("metadata", "annotations").members()) {
    pod.make("metadata", "annotations").set(annotation.key, annotation.value);
  }
  Value scheduled = Value::object({{"type", "PodScheduled"},
                                   {"status", "True"},
                                   {"lastProbeTime", nullptr},
                                   {"lastTransitionTime", format_time(now)}});
  Value& conditions = pod.make("status", "conditions");
  if (conditions.is_null()) conditions = Value::array();
  std::erase_if(conditions.mutable_items(), [](const Value& old) { return old.at("type").str() == "PodScheduled"; });
  conditions.push_back(std::move(scheduled));
  return {};
}

ApiResult<> admit_eviction(Api& api, const Object& pod, bool dry_run) {
  if (bypasses_budgets(pod)) return {};
  const std::vector<ObjectPtr> budgets = budgets_of(api, pod);
  if (budgets.empty()) return {};
  if (budgets.size() > 1) {
    Status several = Status::internal(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
    several.reason.clear();
    return std::unexpected(std::move(several));
  }
  const Object& budget = *budgets[0];
  const Value& status = budget.at("status");
  const std::int64_t desired = status.at("desiredHealthy").int_or(0);
  const bool always = budget.at("spec", "unhealthyPodEvictionPolicy").str() == "AlwaysAllow";
  const bool enough = status.at("currentHealthy").int_or(0) >= desired && desired > 0;
  if (!condition_holds(pod.at("status"), "Ready") && (always || enough)) return {};
  if (status.at("observedGeneration").int_or(0) < budget.at("metadata", "generation").int_or(0)) {
    Status busy = too_many_disruptions(budget, "is still being processed by the server.");
    busy.retry_after_seconds = 10;
    return std::unexpected(std::move(busy));
  }
  if (status.at("disruptedPods").size() > kMostDisrupted) {
    return std::unexpected(
        Status::forbidden(*budget.key().resource, budget.name(),
                          "DisruptedPods map too big - too many evictions not confirmed by PDB controller"));
  }
  if (status.at("disruptionsAllowed").int_or(0) <= 0)
    return std::unexpected(too_many_disruptions(budget, no_disruption(status)));
  if (dry_run) return {};
  auto counted = api.mutate(budget.key(), Subresource::kStatus,
                            [&](Value& tree) { count_disruption(tree["status"], pod.name(), api.clock().now()); });
  if (!counted) return std::unexpected(counted.error());
  return {};
}

ApiResult<> mark_evicted(Api& api, const Key& pod) {
  auto marked = api.mutate(pod, Subresource::kStatus, [&](Value& tree) {
    set_condition(tree["status"],
                  Value::object({{"type", "DisruptionTarget"},
                                 {"status", "True"},
                                 {"lastProbeTime", nullptr},
                                 {"reason", "EvictionByEvictionAPI"},
                                 {"message", "Eviction API: evicting"}}),
                  api.clock().now());
  });
  if (!marked) return std::unexpected(marked.error());
  return {};
}

}  // namespace fairlead::api
