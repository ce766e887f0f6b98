#include "engine/control/autoscaler_replicas.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/quantity.h"
#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

using Metrics = std::map<std::string, PodMetric>;
using Requests = std::map<std::string, std::int64_t>;

/// Source: groupPods.
struct PodGroups {
  std::int64_t ready = 0;
  std::set<std::string> unready;
  std::set<std::string> missing;
};

/// Whether a pod's CPU figure is still that of its start.
bool cpu_unready(const Value& pod, const PodMetric& metric, Time now) {
  const Value& ready = condition_called(pod.at("status"), "Ready");
  const auto started = parse_time(pod.at("status", "startTime").str());
  if (ready.is_null() || !started) return true;
  const Time changed = parse_time(ready.at("lastTransitionTime").str()).value_or(*started);
  const bool is_ready = ready.at("status").str() == "True";
  if (*started + kCpuInitializationPeriod > now) return !is_ready || metric.at < changed + metric.window;
  return !is_ready && *started + kInitialReadinessDelay > changed;
}

PodGroups group_pods(const std::vector<api::ObjectPtr>& pods, Metrics& metrics, const std::string& resource, Time now) {
  PodGroups out;
  for (const api::ObjectPtr& pod : pods) {
    const std::string name(pod->name());
    const std::string_view phase = pod->at("status", "phase").str();
    if (pod->deleting() || phase == "Failed") {
      metrics.erase(name);
      continue;
    }
    const auto metric = metrics.find(name);
    if (phase == "Pending") {
      out.unready.insert(name);
    } else if (metric == metrics.end()) {
      out.missing.insert(name);
    } else if (resource == "cpu" && cpu_unready(pod->tree(), metric->second, now)) {
      out.unready.insert(name);
    } else {
      ++out.ready;
    }
  }
  for (const std::string& name : out.unready) metrics.erase(name);
  return out;
}

/// Containers, and the init containers that run beside them. Source: calculatePodRequestsFromContainers.
Result<std::int64_t> pod_request(const api::Object& pod, const ResourceTarget& target) {
  std::int64_t sum = 0;
  bool found = target.container.empty();
  for (const std::string_view list : {"containers", "initContainers"}) {
    for (const Value& container : pod.at("spec", list).items()) {
      if (list == "initContainers" && container.at("restartPolicy").str() != "Always") continue;
      if (!target.container.empty() && container.at("name").str() != target.container) continue;
      found = true;
      const Value& request = container.at("resources", "requests", target.resource);
      if (request.is_null()) {
        return fail("missing request for {} in container {} of Pod {}", target.resource, container.at("name").str(),
                    pod.name());
      }
      sum += Quantity::of(request).milli_value();
    }
  }
  if (!found) return fail("container {} not found in Pod {}", target.container, pod.name());
  return sum;
}

Result<Requests> pod_requests(const std::vector<api::ObjectPtr>& pods, const ResourceTarget& target) {
  Requests out;
  for (const api::ObjectPtr& pod : pods) {
    const auto request = pod_request(*pod, target);
    if (!request) return std::unexpected(request.error());
    out[std::string(pod->name())] = *request;
  }
  return out;
}

struct Usage {
  double ratio = 0;  ///< Of the target.
  std::int64_t utilization = 0;
  std::int64_t average_milli = 0;
};

/// Source: pkg/controller/podautoscaler/metrics/utilization.go.
Result<Usage> usage_of(const Metrics& metrics, const Requests& requests, const ResourceTarget& target) {
  std::int64_t used = 0;
  std::int64_t requested = 0;
  for (const auto& [pod, metric] : metrics) {
    const auto request = requests.find(pod);
    if (target.utilization > 0 && request == requests.end()) continue;
    used += metric.milli;
    if (request != requests.end()) requested += request->second;
  }
  Usage out;
  out.average_milli = used / std::max<std::int64_t>(1, static_cast<std::int64_t>(metrics.size()));
  if (target.utilization == 0) {
    out.ratio = static_cast<double>(out.average_milli) / static_cast<double>(target.average_milli);
    return out;
  }
  if (requested == 0) return fail("no metrics returned matched known pods");
  out.utilization = used * 100 / requested;
  out.ratio = static_cast<double>(out.utilization) / static_cast<double>(target.utilization);
  return out;
}

std::int64_t scaled(double ratio, std::size_t pods) {
  return static_cast<std::int64_t>(std::ceil(ratio * static_cast<double>(pods)));
}

/// Missing pods count as using all they may when that argues against shrinking, and nothing when it argues against
/// growing; exactly at the target they count for nothing at all. Unready ones count as idle when growing.
void fill_in(Metrics& metrics, const PodGroups& groups, const Requests& requests, const ResourceTarget& target,
             double ratio) {
  for (const std::string& pod : groups.missing) {
    if (ratio == 1.0) break;
    std::int64_t assumed = 0;
    if (ratio < 1.0 && target.utilization > 0) {
      const auto request = requests.find(pod);
      assumed =
          (request == requests.end() ? 0 : request->second) * std::max<std::int64_t>(100, target.utilization) / 100;
    } else if (ratio < 1.0) {
      assumed = target.average_milli;
    }
    metrics[pod].milli = assumed;
  }
  if (ratio <= 1.0) return;
  for (const std::string& pod : groups.unready) metrics[pod].milli = 0;
}

}  // namespace

Tolerance Tolerance::of(const Value& behavior) {
  constexpr double kNano = 1e-9;
  const auto given = [&](std::string_view direction) {
    const Value& value = behavior.at(direction, "tolerance");
    return value.is_null() ? kAutoscalerTolerance : static_cast<double>(Quantity::of(value).nano) * kNano;
  };
  return {given("scaleDown"), given("scaleUp")};
}

Result<ReplicaProposal> propose_replicas(const std::vector<api::ObjectPtr>& pods, Metrics metrics,
                                         const ResourceTarget& target, const Tolerance& tolerance, std::int64_t current,
                                         Time now) {
  if (pods.empty()) return fail("no pods returned by selector while calculating replica count");
  const PodGroups groups = group_pods(pods, metrics, target.resource, now);
  Requests requests;
  if (target.utilization > 0) {
    auto found = pod_requests(pods, target);
    if (!found) return std::unexpected(found.error());
    requests = std::move(*found);
  }
  if (metrics.empty()) return fail("did not receive metrics for targeted pods (pods might be unready)");
  const auto usage = usage_of(metrics, requests, target);
  if (!usage) return std::unexpected(usage.error());

  ReplicaProposal out{current, usage->utilization, usage->average_milli};
  const bool up_with_unready = !groups.unready.empty() && usage->ratio > 1.0;
  if (!up_with_unready && groups.missing.empty()) {
    if (!tolerance.covers(usage->ratio)) out.replicas = scaled(usage->ratio, static_cast<std::size_t>(groups.ready));
    return out;
  }
  fill_in(metrics, groups, requests, target, usage->ratio);
  const auto again = usage_of(metrics, requests, target);
  if (!again) return std::unexpected(again.error());
  const bool turned = (usage->ratio < 1.0 && again->ratio > 1.0) || (usage->ratio > 1.0 && again->ratio < 1.0);
  if (tolerance.covers(again->ratio) || turned) return out;
  const std::int64_t wanted = scaled(again->ratio, metrics.size());
  const bool against = (again->ratio < 1.0 && wanted > current) || (again->ratio > 1.0 && wanted < current);
  if (!against) out.replicas = wanted;
  return out;
}

}  // namespace fairlead::control
