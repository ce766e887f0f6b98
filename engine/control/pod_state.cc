#include "engine/control/pod_state.h"

#include "base/quantity.h"
#include "engine/control/conditions.h"

namespace fairlead::control {

bool pod_is_terminal(const Value& pod) {
  const std::string_view phase = pod.at("status", "phase").str();
  return phase == "Succeeded" || phase == "Failed";
}

bool pod_is_active(const Value& pod) { return !pod_is_terminal(pod) && !pod.at("metadata").has("deletionTimestamp"); }

bool pod_is_ready(const Value& pod) { return condition_holds(pod.at("status"), "Ready"); }

Time pod_ready_since(const Value& pod) {
  return parse_time(condition_called(pod.at("status"), "Ready").at("lastTransitionTime").str()).value_or(Time());
}

std::optional<Duration> until_available(const Value& pod, Duration min_ready, Time now) {
  if (!pod_is_ready(pod) || min_ready <= Duration(0)) return std::nullopt;
  const Time since = pod_ready_since(pod);
  if (since + min_ready <= now) return std::nullopt;
  return since + min_ready - now;
}

std::string_view pod_qos_class(const Value& pod) {
  bool any = false;
  bool guaranteed = true;
  for (const std::string_view list : {"initContainers", "containers"}) {
    for (const Value& container : pod.at("spec", list).items()) {
      for (const std::string_view resource : {"cpu", "memory"}) {
        const Quantity limit = Quantity::of(container.at("resources", "limits", resource));
        const Quantity request = Quantity::of(container.at("resources", "requests", resource));
        any = any || limit.nano > 0 || request.nano > 0;
        guaranteed = guaranteed && limit.nano > 0 && (request.nano == 0 || request == limit);
      }
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

bool pod_is_available(const Value& pod, Duration min_ready, Time now) {
  return pod_is_ready(pod) && !until_available(pod, min_ready, now);
}

}  // namespace fairlead::control
