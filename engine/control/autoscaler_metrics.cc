#include "engine/control/autoscaler_metrics.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/quantity.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kNanoPerMilli = 1'000'000;
constexpr std::int64_t kMilli = 1000;

std::string_view source_field(const Value& metric) {
  return metric.at("type").str() == "ContainerResource" ? "containerResource" : "resource";
}

std::map<std::string, PodMetric> measured(const std::vector<api::ObjectPtr>& pods, std::span<seam::Node* const> nodes,
                                          const ResourceTarget& target) {
  std::map<std::string, PodMetric> out;
  for (const seam::Node* node : nodes) {
    for (const seam::PodUsage& usage : node->usage()) {
      const auto pod = std::ranges::find(pods, usage.uid, [](const api::ObjectPtr& p) { return p->uid(); });
      if (pod == pods.end()) continue;
      PodMetric metric{0, usage.at, usage.window};
      bool found = false;
      for (const seam::ContainerUsage& c : usage.containers) {
        if (!target.container.empty() && c.container != target.container) continue;
        found = true;
        metric.milli += target.resource == "cpu" ? c.cpu_nano_cores / kNanoPerMilli : c.memory_bytes * kMilli;
      }
      if (found) out[std::string((*pod)->name())] = metric;
    }
  }
  return out;
}

Value status_of(const Value& metric, const ResourceTarget& target, const ReplicaProposal& proposal) {
  // Parts of a byte cannot be said with binary suffixes. Source: buildQuantity, quantity.go, CanonicalizeBytes.
  const bool bytes = target.resource != "cpu" && proposal.average_milli % kMilli == 0;
  const Quantity average =
      bytes ? Quantity::of_bytes(proposal.average_milli / kMilli) : Quantity::of_milli(proposal.average_milli);
  Value current = Value::object({{"averageValue", average.text()}});
  if (target.utilization > 0) current.set("averageUtilization", proposal.utilization);
  Value source = Value::object({{"name", target.resource}, {"current", std::move(current)}});
  if (!target.container.empty()) source.set("container", target.container);
  return Value::object({{"type", metric.at("type").str()}, {std::string(source_field(metric)), std::move(source)}});
}

}  // namespace

Result<MetricProposal> propose_for_metric(const Value& metric, const std::vector<api::ObjectPtr>& pods,
                                          std::span<seam::Node* const> nodes, const Tolerance& tolerance,
                                          std::int64_t current, Time now) {
  const std::string_view type = metric.at("type").str();
  if (type != "Resource" && type != "ContainerResource") return fail("metrics of type {} are not acted on here", type);
  const Value& source = metric.at(source_field(metric));
  ResourceTarget target;
  target.resource = source.at("name").str();
  target.container = source.at("container").str();
  // As upstream: an average value, where both are given.
  target.average_milli = Quantity::of(source.at("target", "averageValue")).milli_value();
  if (target.average_milli == 0) target.utilization = source.at("target", "averageUtilization").int_or(0);
  if (target.utilization == 0 && target.average_milli == 0) {
    return fail(
        "invalid resource metric source: neither an average utilization target nor an average value (usage) target was "
        "set");
  }
  const auto proposal = propose_replicas(pods, measured(pods, nodes, target), target, tolerance, current, now);
  if (!proposal) {
    const std::string_view wanted = target.utilization > 0 ? "utilization" : "usage";
    return std::unexpected(wrap(fmt::format("failed to get {} {}", target.resource, wanted), proposal.error()));
  }
  return MetricProposal{.replicas = proposal->replicas, .status = status_of(metric, target, *proposal)};
}

std::string description_of_metric(const Value& metric) {
  const Value& source = metric.at(source_field(metric));
  if (source.at("target").has("averageValue")) return fmt::format("{} resource", source.at("name").str());
  return fmt::format("{} {}resource utilization (percentage of request)", source.at("name").str(),
                     metric.at("type").str() == "ContainerResource" ? "container " : "");
}

std::string short_name_of_metric(const Value& metric) {
  const std::string_view type = metric.at("type").str();
  if (type == "Object") return "object";
  if (type == "Pods") return "pods";
  if (type == "External") return fmt::format("{} external", metric.at("external", "metric", "name").str());
  if (type == "ContainerResource")
    return fmt::format("{} container", metric.at("containerResource", "container").str());
  return fmt::format("{} resource", metric.at("resource", "name").str());
}

}  // namespace fairlead::control
