#include "engine/control/network_policy.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/api/selector.h"
#include "engine/control/pod_state.h"
#include "engine/control/service_endpoints.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kLastPort = 65535;

struct Cluster {
  std::vector<api::ObjectPtr> pods;
  std::map<std::string, Value> namespace_labels;
};

/// Whom one `from` or `to` entry means: pods with addresses, and blocks of addresses.
struct Peers {
  std::vector<api::ObjectPtr> pods;
  std::vector<seam::PeerBlock> blocks;
};

std::string address(const api::Object& pod) { return std::string(pod.at("status", "podIP").str()); }

bool selects(const Value& label_selector, const Value& labels) {
  const auto selector = api::Selector::from_label_selector(label_selector);
  return selector && selector->matches(labels);
}

void add_peer(const Value& peer, std::string_view own_namespace, const Cluster& cluster, Peers& out) {
  if (peer.has("ipBlock")) {
    // The pod network is IPv4: nobody in it has such an address.
    if (peer.at("ipBlock", "cidr").str().contains(':')) return;
    seam::PeerBlock block{std::string(peer.at("ipBlock", "cidr").str()), {}};
    for (const Value& except : peer.at("ipBlock", "except").items()) block.except.emplace_back(except.str());
    out.blocks.push_back(std::move(block));
    return;
  }
  for (const api::ObjectPtr& pod : cluster.pods) {
    if (peer.has("namespaceSelector")) {
      const auto labels = cluster.namespace_labels.find(std::string(pod->ns()));
      if (labels == cluster.namespace_labels.end()) continue;
      if (!selects(peer.at("namespaceSelector"), labels->second)) continue;
    } else if (pod->ns() != own_namespace) {
      continue;
    }
    if (peer.has("podSelector") && !selects(peer.at("podSelector"), pod->at("metadata", "labels"))) continue;
    out.pods.push_back(pod);
  }
}

/// The ports of a rule as `receiver` has them; ports whose name it does not know are left out.
std::vector<seam::PortRange> port_ranges(const Value& ports, const api::Object* receiver) {
  std::vector<seam::PortRange> out;
  for (const Value& port : ports.items()) {
    const std::string protocol(port.at("protocol").string_or("TCP"));
    const Value& number = port.at("port");
    if (number.is_null()) {
      out.push_back({protocol, 0, 65535});
    } else if (number.is_string()) {
      const std::uint16_t found =
          receiver == nullptr ? std::uint16_t{0} : find_port(receiver->tree(), number.str(), protocol);
      if (found != 0) out.push_back({protocol, found, found});
    } else {
      const std::int64_t first = number.int_or(0);
      const std::int64_t last = std::min<std::int64_t>(port.at("endPort").int_or(first), kLastPort);
      // Other ranges are what a store may still hold from before they were refused: they allow nothing.
      if (first < 1 || first > last) continue;
      out.push_back({protocol, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)});
    }
  }
  std::ranges::sort(out);
  return out;
}

bool has_named_port(const Value& ports) {
  return std::ranges::any_of(ports.items(), [](const Value& port) { return port.at("port").is_string(); });
}

void finish(std::vector<seam::PeerBlock> peers, std::vector<seam::PortRange> ports, const Value& rule_ports,
            std::vector<seam::Allowance>& out) {
  if (ports.empty() && !rule_ports.empty()) return;  // Nobody has a port of that name: nothing is allowed.
  std::ranges::sort(peers);
  const auto repeated = std::ranges::unique(peers);
  peers.erase(repeated.begin(), repeated.end());
  const bool nobody = peers.empty();
  out.push_back({std::move(peers), std::move(ports), nobody});
}

/// One ingress or egress rule for one pod.
void add_rule(const Value& rule, std::string_view peers_field, const api::Object& policy, const api::Object& pod,
              const Cluster& cluster, std::vector<seam::Allowance>& out) {
  const bool ingress = peers_field == "from";
  const Value& ports = rule.at("ports");
  if (rule.at(peers_field).empty()) {
    // Everybody. A named port of an egress rule is each receiver's own.
    if (ingress || !has_named_port(ports)) {
      std::vector<seam::PortRange> ranges = port_ranges(ports, ingress ? &pod : nullptr);
      if (!ranges.empty() || ports.empty()) out.push_back({{}, std::move(ranges), false});
      return;
    }
  }
  Peers peers;
  for (const Value& peer : rule.at(peers_field).items()) add_peer(peer, policy.ns(), cluster, peers);
  if (rule.at(peers_field).empty()) peers.pods = cluster.pods;
  if (!ingress && has_named_port(ports)) {
    for (const api::ObjectPtr& receiver : peers.pods) {
      finish({{address(*receiver) + "/32", {}}}, port_ranges(ports, receiver.get()), ports, out);
    }
    std::vector<seam::PortRange> numbers = port_ranges(ports, nullptr);
    if (!peers.blocks.empty()) finish(peers.blocks, numbers, ports, out);
    if (rule.at(peers_field).empty() && !numbers.empty()) out.push_back({{}, numbers, false});
    return;
  }
  std::vector<seam::PeerBlock> blocks = peers.blocks;
  for (const api::ObjectPtr& peer : peers.pods) blocks.push_back({address(*peer) + "/32", {}});
  finish(std::move(blocks), port_ranges(ports, ingress ? &pod : nullptr), ports, out);
}

/// spec.policyTypes, defaulted as the API does: Ingress always, Egress when there are egress rules.
bool governs(const api::Object& policy, std::string_view direction) {
  const Value& types = policy.at("spec", "policyTypes");
  if (types.empty()) return direction == "Ingress" || !policy.at("spec", "egress").empty();
  return std::ranges::any_of(types.items(), [&](const Value& type) { return type.str() == direction; });
}

void apply(const api::Object& policy, const api::Object& pod, const Cluster& cluster, seam::PodPolicy& out) {
  if (governs(policy, "Ingress")) {
    out.ingress_isolated = true;
    for (const Value& rule : policy.at("spec", "ingress").items()) {
      add_rule(rule, "from", policy, pod, cluster, out.ingress);
    }
  }
  if (governs(policy, "Egress")) {
    out.egress_isolated = true;
    for (const Value& rule : policy.at("spec", "egress").items()) {
      add_rule(rule, "to", policy, pod, cluster, out.egress);
    }
  }
}

}  // namespace

std::vector<seam::PodPolicy> compile_policies(const std::vector<api::ObjectPtr>& policies,
                                              const std::vector<api::ObjectPtr>& pods,
                                              const std::vector<api::ObjectPtr>& namespaces) {
  Cluster cluster;
  for (const api::ObjectPtr& ns : namespaces) {
    cluster.namespace_labels[std::string(ns->name())] = ns->at("metadata", "labels");
  }
  for (const api::ObjectPtr& pod : pods) {
    const bool counts = !address(*pod).empty() && !pod_is_terminal(pod->tree());
    if (counts && !pod->at("spec", "hostNetwork").bool_or(false)) cluster.pods.push_back(pod);
  }
  std::vector<seam::PodPolicy> out;
  for (const api::ObjectPtr& pod : cluster.pods) {
    seam::PodPolicy policy{std::string(pod->ns()), std::string(pod->name()), address(*pod), false, false, {}, {}};
    for (const api::ObjectPtr& one : policies) {
      const bool concerns =
          one->ns() == pod->ns() && selects(one->at("spec", "podSelector"), pod->at("metadata", "labels"));
      if (concerns) apply(*one, *pod, cluster, policy);
    }
    if (!policy.ingress_isolated && !policy.egress_isolated) continue;
    std::ranges::sort(policy.ingress);
    std::ranges::sort(policy.egress);
    out.push_back(std::move(policy));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace fairlead::control
