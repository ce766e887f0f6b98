#include <algorithm>
#include <array>

#include "base/base64.h"
#include "engine/api/schema_defaults.h"

namespace fairlead::api {
namespace {

/// Members of `from` that `to` lacks. Both are maps, created when absent.
void complete(Value& owner, std::string_view to, const Value& from) {
  if (from.empty()) return;
  Value& target = owner[to];
  for (const Member& member : from.members()) {
    if (!target.has(member.key)) target.set(member.key, member.value);
  }
}

/// The tag that an image reference stands for: "latest" unless a tag or a digest says otherwise; empty when malformed.
/// Source: pkg/util/parsers/parsers.go, ParseImageName.
std::string_view image_tag(std::string_view image) {
  const bool digest = image.contains('@');
  image = image.substr(0, image.find('@'));
  const std::size_t colon = image.find(':', image.rfind('/') == std::string_view::npos ? 0 : image.rfind('/'));
  const std::string_view repository = image.substr(0, colon);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/' || c == ':';
  };
  const std::size_t host = repository.find('/') == std::string_view::npos ? 0 : repository.find('/');
  if (repository.empty() || !std::ranges::all_of(repository.substr(host), allowed)) return {};
  if (colon != std::string_view::npos) return image.substr(colon + 1);
  return digest ? std::string_view{} : std::string_view("latest");
}

std::string_view pull_policy(std::string_view image) {
  return image_tag(image) == "latest" ? "Always" : "IfNotPresent";
}

void container(Value& value) { set_if_absent(value, "imagePullPolicy", pull_policy(value.at("image").str())); }

void volume(Value& value) {
  const bool has_source = std::ranges::any_of(
      value.members(), [](const Member& member) { return member.key != "name" && !member.value.is_null(); });
  if (!has_source) value.set("emptyDir", Value::object());
}

void image_volume(Value& value) { set_if_absent(value, "pullPolicy", pull_policy(value.at("reference").str())); }

/// Upstream stores one name and shows it under the old field too.
void pod_spec(Value& value) {
  const std::string name(value.at("serviceAccountName").str().empty() ? value.at("serviceAccount").str()
                                                                      : value.at("serviceAccountName").str());
  if (name.empty()) return;
  value.set("serviceAccountName", name);
  value.set("serviceAccount", name);
}

void each_container(Value& spec, void (*apply)(Value& container)) {
  for (const std::string_view list : {"containers", "initContainers"}) {
    Value* containers = spec.find(list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (Value& item : containers->mutable_items()) apply(item);
  }
}

void requests_from_limits(Value& item) {
  const Value limits = item.at("resources", "limits");
  if (!limits.empty()) complete(item["resources"], "requests", limits);
}

void host_ports(Value& item) {
  Value* ports = item.find("ports");
  if (ports == nullptr || !ports->is_array()) return;
  for (Value& port : ports->mutable_items()) set_if_absent(port, "hostPort", port.at("containerPort"));
}

void pod(Value& value) {
  Value* spec = value.find("spec");
  if (spec == nullptr || !spec->is_object()) return;
  each_container(*spec, requests_from_limits);
  const Value limits = spec->at("resources", "limits");
  if (!limits.empty()) complete((*spec)["resources"], "requests", limits);
  set_if_absent(*spec, "enableServiceLinks", true);
  if (spec->at("hostNetwork").bool_or(false)) each_container(*spec, host_ports);
}

void service_port(Value& value) {
  const Value& target = value.at("targetPort");
  if (target.is_null() || target == Value(0) || target == Value("")) value.set("targetPort", value.at("port"));
}

void service_spec(Value& value) {
  const std::string_view type = value.at("type").str().empty() ? "ClusterIP" : value.at("type").str();
  if (value.at("sessionAffinity").str() == "ClientIP") {
    if (value.at("sessionAffinityConfig", "clientIP", "timeoutSeconds").is_null()) {
      value.make("sessionAffinityConfig", "clientIP", "timeoutSeconds") = 10800;
    }
  } else if (value.at("sessionAffinity").str().empty() || value.at("sessionAffinity").str() == "None") {
    value.erase("sessionAffinityConfig");
  }
  const bool balanced = type == "LoadBalancer";
  const bool external = balanced || type == "NodePort" || (type == "ClusterIP" && !value.at("externalIPs").empty());
  if (type != "ExternalName") set_if_absent(value, "internalTrafficPolicy", "Cluster");
  if (external) set_if_absent(value, "externalTrafficPolicy", "Cluster");
  if (balanced) set_if_absent(value, "allocateLoadBalancerNodePorts", true);
}

void replication_controller(Value& value) {
  const Value labels = value.at("spec", "template", "metadata", "labels");
  if (labels.empty()) return;
  if (value.at("spec", "selector").empty()) value["spec"].set("selector", labels);
  if (value.at("metadata", "labels").empty()) value["metadata"].set("labels", labels);
}

void name_space(Value& value) {
  const std::string name(value.at("metadata", "name").str());
  if (!name.empty()) value.make("metadata", "labels", "kubernetes.io/metadata.name") = name;
}

void node_status(Value& value) {
  const Value capacity = value.at("capacity");
  if (!capacity.empty()) set_if_absent(value, "allocatable", capacity);
}

/// One field for one address family came before the list for both; upstream shows both.
void node_spec(Value& value) {
  const Value range = value.at("podCIDR");
  if (!range.str().empty()) set_if_absent(value, "podCIDRs", Value::array({range}));
}

void pod_status(Value& value) {
  const Value address = value.at("podIP");
  if (!address.str().empty()) set_if_absent(value, "podIPs", Value::array({Value::object({{"ip", address}})}));
}

void limit_range_item(Value& value) {
  if (value.at("type").str() != "Container") return;
  complete(value, "default", Value(value.at("max")));
  complete(value, "defaultRequest", Value(value.at("default")));
  complete(value, "defaultRequest", Value(value.at("min")));
}

/// What was written as text is stored encoded.
void secret(Value& value) {
  const Value text = value.at("stringData");
  for (const Member& member : text.members()) value["data"].set(member.key, base64_encode(member.value.str()));
  value.erase("stringData");
}

constexpr std::array kCore{
    ConditionalDefault{"io.k8s.api.core.v1.Container", container},
    ConditionalDefault{"io.k8s.api.core.v1.EphemeralContainer", container},
    ConditionalDefault{"io.k8s.api.core.v1.Volume", volume},
    ConditionalDefault{"io.k8s.api.core.v1.ImageVolumeSource", image_volume},
    ConditionalDefault{"io.k8s.api.core.v1.PodSpec", pod_spec},
    ConditionalDefault{"io.k8s.api.core.v1.Pod", pod},
    ConditionalDefault{"io.k8s.api.core.v1.ServicePort", service_port},
    ConditionalDefault{"io.k8s.api.core.v1.ServiceSpec", service_spec},
    ConditionalDefault{"io.k8s.api.core.v1.ReplicationController", replication_controller},
    ConditionalDefault{"io.k8s.api.core.v1.Namespace", name_space},
    ConditionalDefault{"io.k8s.api.core.v1.NodeSpec", node_spec},
    ConditionalDefault{"io.k8s.api.core.v1.NodeStatus", node_status},
    ConditionalDefault{"io.k8s.api.core.v1.PodStatus", pod_status},
    ConditionalDefault{"io.k8s.api.core.v1.Secret", secret},
    ConditionalDefault{"io.k8s.api.core.v1.LimitRangeItem", limit_range_item},
};

}  // namespace

void set_if_absent(Value& value, std::string_view key, Value preset) {
  const Value* current = value.find(key);
  if (current == nullptr || current->is_null()) value.set(key, std::move(preset));
}

std::span<const ConditionalDefault> core_defaults() { return kCore; }

}  // namespace fairlead::api
