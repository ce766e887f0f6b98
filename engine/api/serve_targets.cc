// Service discovery for a Prometheus that was built without kubernetes_sd: the same targets under the same labels, as
// http_sd JSON. Source: github.com/prometheus/prometheus/discovery/kubernetes/pod.go.
#include <algorithm>

#include "engine/api/conditions.h"
#include "engine/api/context.h"

namespace fairlead::api {
namespace {

/// Characters that label names may not have become "_". Source: prometheus/util/strutil, SanitizeLabelName.
std::string label_name(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    return fine ? c : '_';
  });
  return out;
}

void add_map(Value& labels, std::string_view what, const Value& map) {
  for (const auto& [key, value] : map.members()) {
    const auto name = label_name(key);
    labels.set(fmt::format("__meta_kubernetes_pod_{}_{}", what, name), value.str());
    labels.set(fmt::format("__meta_kubernetes_pod_{}present_{}", what, name), "true");
  }
}

std::string_view ready_text(const Object& pod) {
  const std::string_view status = condition_called(pod.at("status"), "Ready").at("status").str();
  return status == "True" ? "true" : status == "False" ? "false" : "unknown";
}

Value pod_labels(const Object& pod) {
  Value labels = Value::object({{"__meta_kubernetes_namespace", pod.ns()},
                                {"__meta_kubernetes_pod_name", pod.name()},
                                {"__meta_kubernetes_pod_ip", pod.at("status", "podIP").str()},
                                {"__meta_kubernetes_pod_ready", ready_text(pod)},
                                {"__meta_kubernetes_pod_phase", pod.at("status", "phase").str()},
                                {"__meta_kubernetes_pod_node_name", pod.at("spec", "nodeName").str()},
                                {"__meta_kubernetes_pod_host_ip", pod.at("status", "hostIP").str()},
                                {"__meta_kubernetes_pod_uid", pod.uid()}});
  for (const auto& owner : pod.at("metadata", "ownerReferences").items()) {
    if (!owner.at("controller").bool_or(false)) continue;
    labels.set("__meta_kubernetes_pod_controller_kind", owner.at("kind").str());
    labels.set("__meta_kubernetes_pod_controller_name", owner.at("name").str());
  }
  add_map(labels, "label", pod.at("metadata", "labels"));
  add_map(labels, "annotation", pod.at("metadata", "annotations"));
  return labels;
}

std::string_view container_id(const Object& pod, std::string_view name) {
  for (const auto& status : pod.at("status", "containerStatuses").items()) {
    if (status.at("name").str() == name) return status.at("containerID").str();
  }
  return {};
}

void add_targets(const Object& pod, Value& out) {
  const auto ip = pod.at("status", "podIP").str();
  const auto phase = pod.at("status", "phase").str();
  if (ip.empty() || phase == "Succeeded" || phase == "Failed") return;
  const bool annotated = pod.annotation("prometheus.io/scrape") == "true";
  const Value common = pod_labels(pod);
  for (const auto& container : pod.at("spec", "containers").items()) {
    Value labels = common;
    labels.set("__meta_kubernetes_pod_container_name", container.at("name").str());
    labels.set("__meta_kubernetes_pod_container_image", container.at("image").str());
    labels.set("__meta_kubernetes_pod_container_id", container_id(pod, container.at("name").str()));
    labels.set("__meta_kubernetes_pod_container_init", "false");
    const auto& ports = container.at("ports").items();
    if (ports.empty() && annotated) {
      out.push_back(Value::object({{"targets", Value::array({std::string(ip)})}, {"labels", std::move(labels)}}));
      continue;
    }
    for (const auto& port : ports) {
      if (!annotated && port.at("name").str() != "metrics") continue;
      Value with_port = labels;
      const auto number = port.at("containerPort").int_or(0);
      with_port.set("__meta_kubernetes_pod_container_port_name", port.at("name").str());
      with_port.set("__meta_kubernetes_pod_container_port_number", fmt::format("{}", number));
      with_port.set("__meta_kubernetes_pod_container_port_protocol", port.at("protocol").string_or("TCP"));
      out.push_back(Value::object(
          {{"targets", Value::array({fmt::format("{}:{}", ip, number)})}, {"labels", std::move(with_port)}}));
    }
  }
}

}  // namespace

void serve_targets(Context& context, const CallPtr& call) {
  const auto role = call->query.get("role");
  if (role != "pod") {
    return send_status(*call, Status::bad_request(fmt::format("role \"{}\" is not served: only role=pod is", role)));
  }
  Value out = Value::array();
  context.store.each(context.schema.resource("", "pods"), call->query.get("namespace"), [&](const ObjectPtr& pod) {
    add_targets(*pod, out);
    return true;
  });
  context.send_unstored(call, 200, std::move(out));
}

}  // namespace fairlead::api
