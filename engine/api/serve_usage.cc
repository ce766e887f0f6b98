// metrics.k8s.io/v1beta1: what nodes and pods use now, for `kubectl top`.
#include <algorithm>
#include <map>

#include "base/quantity.h"
#include "engine/api/context.h"
#include "engine/api/request_options.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kApiVersion = "metrics.k8s.io/v1beta1";

Value usage(std::int64_t cpu_nano_cores, std::int64_t memory_bytes) {
  return Value::object(
      {{"cpu", fmt::format("{}n", cpu_nano_cores)}, {"memory", fmt::format("{}Ki", memory_bytes / 1024)}});
}

Value metrics_object(std::string_view kind, const Object& object, Time at, Duration window) {
  Value metadata = Value::object({{"name", object.name()}});
  if (!object.ns().empty()) metadata.set("namespace", object.ns());
  metadata.set("creationTimestamp", format_time(at));
  if (const auto& labels = object.at("metadata", "labels"); !labels.empty()) metadata.set("labels", labels);
  return Value::object({{"kind", kind},
                        {"apiVersion", kApiVersion},
                        {"metadata", std::move(metadata)},
                        {"timestamp", format_time(at)},
                        {"window", format_duration(window)}});
}

Value pod_metrics(const Object& pod, const seam::PodUsage& sample) {
  Value out = metrics_object("PodMetrics", pod, sample.at, sample.window);
  Value containers = Value::array();
  for (const auto& container : sample.containers) {
    containers.push_back(Value::object(
        {{"name", container.container}, {"usage", usage(container.cpu_nano_cores, container.memory_bytes)}}));
  }
  out.set("containers", std::move(containers));
  return out;
}

/// Everything the pods of a node use; what the machine uses beside them is not this cluster's.
Value node_metrics(const Object& node, const std::vector<seam::PodUsage>& samples, Time now) {
  std::int64_t cpu = 0;
  std::int64_t memory = 0;
  Time at = now;
  Duration window{0};
  for (const auto& sample : samples) {
    at = sample.at;
    window = sample.window;
    for (const auto& container : sample.containers) {
      cpu += container.cpu_nano_cores;
      memory += container.memory_bytes;
    }
  }
  Value out = metrics_object("NodeMetrics", node, at, window);
  out.set("usage", usage(cpu, memory));
  return out;
}

Value::Array all_pod_metrics(const Context& context, const View& view) {
  std::map<std::string, std::vector<seam::PodUsage>, std::less<>> by_uid;
  for (const auto* node : context.parts.nodes) {
    for (auto& sample : node->usage()) by_uid[sample.uid].push_back(std::move(sample));
  }
  Value::Array out;
  context.store.each(context.schema.resource("", "pods"), view.ns, [&](const ObjectPtr& pod) {
    const auto found = by_uid.find(pod->uid());
    if (found != by_uid.end() && view.shows(*pod)) out.push_back(pod_metrics(*pod, found->second.front()));
    return true;
  });
  return out;
}

Value::Array all_node_metrics(const Context& context, const View& view) {
  Value::Array out;
  context.store.each(context.schema.resource("", "nodes"), {}, [&](const ObjectPtr& node) {
    const auto found =
        std::ranges::find_if(context.parts.nodes, [&](const auto* n) { return n->name() == node->name(); });
    if (found != context.parts.nodes.end() && view.shows(*node)) {
      out.push_back(node_metrics(*node, (*found)->usage(), context.now()));
    }
    return true;
  });
  return out;
}

}  // namespace

void serve_usage(Context& context, const CallPtr& call) {
  const auto& route = call->route;
  const bool pods = route.plural == "pods";
  if ((!pods && route.plural != "nodes") || !route.subresource.empty()) return send_status(*call, unknown_resource());
  if (route.verb != "get" && route.verb != "list") return send_status(*call, method_not_allowed());
  auto view = view_of(*call, context.schema.resource("", route.plural));
  if (!view) return send_status(*call, view.error());
  auto items = pods ? all_pod_metrics(context, *view) : all_node_metrics(context, *view);
  if (route.verb == "list") {
    return context.send_unstored(call, 200,
                                 Value::object({{"kind", pods ? "PodMetricsList" : "NodeMetricsList"},
                                                {"apiVersion", kApiVersion},
                                                {"metadata", Value::object()},
                                                {"items", std::move(items)}}));
  }
  if (!items.empty()) return context.send_unstored(call, 200, std::move(items.front()));
  Status status;
  status.code = 404;
  status.reason = "NotFound";
  status.group = "metrics.k8s.io";
  status.kind = route.plural;
  status.name = route.name;
  status.message = fmt::format("{}metrics.metrics.k8s.io \"{}{}\" not found", pods ? "pod" : "node",
                               pods ? route.ns + "/" : std::string(), route.name);
  send_status(*call, status);
}

}  // namespace fairlead::api
