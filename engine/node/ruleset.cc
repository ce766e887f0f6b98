#include "engine/node/ruleset.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace fairlead::node {

namespace {

using seam::Allowance;
using seam::NetworkProgram;
using seam::PeerBlock;
using seam::PortRange;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string join(const std::vector<std::string>& parts, const char* separator = ", ") {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : separator) + part;
  return out;
}

std::string elements(const std::vector<std::string>& parts) {
  return parts.empty() ? "" : "    elements = { " + join(parts) + " }\n";
}

/// One match per protocol, its ranges merged: nft refuses sets that overlap. {""} stands for any port.
std::vector<std::string> port_matches(const std::vector<PortRange>& ports) {
  if (ports.empty()) return {""};
  std::map<std::string, std::vector<std::pair<unsigned, unsigned>>> by_protocol;
  for (const auto& port : ports) by_protocol[lower(port.protocol)].emplace_back(port.first, port.last);
  std::vector<std::string> matches;
  for (auto& [protocol, ranges] : by_protocol) {
    std::ranges::sort(ranges);
    std::vector<std::pair<unsigned, unsigned>> merged;
    for (const auto& range : ranges) {
      if (!merged.empty() && range.first <= merged.back().second + 1) {
        merged.back().second = std::max(merged.back().second, range.second);
      } else {
        merged.push_back(range);
      }
    }
    if (merged.front().first == 0 && merged.front().second == 65535) {
      matches.push_back("meta l4proto " + protocol + " ");
      continue;
    }
    std::vector<std::string> parts;
    for (const auto& [first, last] : merged) {
      parts.push_back(first == last ? std::to_string(first) : fmt::format("{}-{}", first, last));
    }
    matches.push_back(fmt::format("{} dport {{ {} }} ", protocol, join(parts)));
  }
  return matches;
}

/// Single addresses share one set; blocks with exceptions need a rule each. {""} stands for any peer.
std::vector<std::string> peer_matches(const std::vector<PeerBlock>& peers, const char* field) {
  if (peers.empty()) return {""};
  std::set<std::string> addresses;
  std::vector<std::string> matches;
  for (const auto& peer : peers) {
    if (peer.except.empty() && peer.cidr.ends_with("/32")) {
      addresses.insert(peer.cidr.substr(0, peer.cidr.size() - 3));
      continue;
    }
    std::string match = peer.cidr == "0.0.0.0/0" ? "" : fmt::format("ip {} {} ", field, peer.cidr);
    for (const auto& except : peer.except) match += fmt::format("ip {} != {} ", field, except);
    matches.push_back(std::move(match));
  }
  if (!addresses.empty()) {
    matches.push_back(fmt::format("ip {} {{ {} }} ", field, join({addresses.begin(), addresses.end()})));
  }
  return matches;
}

std::string policy_chain(const std::string& name, const std::vector<Allowance>& allowances, const char* field) {
  std::string out = "  chain " + name + " {\n";
  for (const auto& allowance : allowances) {
    if (allowance.nobody) continue;
    for (const auto& peers : peer_matches(allowance.peers, field)) {
      for (const auto& ports : port_matches(allowance.ports)) out += "    " + peers + ports + "return\n";
    }
  }
  return out + "    drop\n  }\n";
}

struct Services {
  std::string chains;
  std::vector<std::string> entries;
  std::vector<std::string> self;
};

Services services(const NetworkProgram& program) {
  Services out;
  std::set<std::string> self;
  std::set<std::string> taken;
  for (const auto& service : program.services) {
    if (service.cluster_ip.empty() || service.cluster_ip == "None") continue;
    for (const auto& port : service.ports) {
      if (port.endpoints.empty()) continue;
      const std::string key = fmt::format("{} . {} . {}", service.cluster_ip, lower(port.protocol), port.port);
      if (!taken.insert(key).second) continue;
      const std::string chain = fmt::format("service_{}", out.entries.size());
      std::vector<std::string> targets;
      for (const auto& endpoint : port.endpoints) {
        targets.push_back(fmt::format("{} : {} . {}", targets.size(), endpoint.ip, endpoint.port));
        self.insert(fmt::format("{0} . {0}", endpoint.ip));
      }
      const std::string protocol = "meta l4proto " + lower(port.protocol);
      out.chains += fmt::format("  chain {} {{\n    {} dnat ip to numgen random mod {} map {{ {} }}\n  }}\n", chain,
                                protocol, targets.size(), join(targets));
      out.entries.push_back(key + " : goto " + chain);
    }
  }
  out.self.assign(self.begin(), self.end());
  return out;
}

constexpr const char* kBaseChains = R"(  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    ip daddr . meta l4proto . th dport vmap @services
  }
  chain output_nat {
    type nat hook output priority -100; policy accept;
    ip daddr . meta l4proto . th dport vmap @services
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr . ip daddr @self masquerade
  }
  chain no_endpoint {
    meta l4proto tcp reject with tcp reset
    reject with icmp type port-unreachable
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    ct state related accept
    ct direction reply accept
    ip daddr 10.96.0.0/16 goto no_endpoint
    ip saddr . ip daddr @self accept
    ip saddr vmap @egress
    ip daddr vmap @ingress
  }
  chain input {
    type filter hook input priority 0; policy accept;
    iifname "lo" accept
    ct state related accept
    ct direction reply accept
    ip saddr vmap @egress
  }
  chain output {
    type filter hook output priority 0; policy accept;
    ip daddr 10.96.0.0/16 goto no_endpoint
  }
)";

}  // namespace

std::string ruleset(const NetworkProgram& program) {
  const Services translated = services(program);
  std::string chains = translated.chains;
  std::vector<std::string> ingress;
  std::vector<std::string> egress;
  std::set<std::string> seen;
  for (const auto& pod : program.pods) {
    if (pod.ip.empty() || !seen.insert(pod.ip).second) continue;
    const std::string number = std::to_string(seen.size());
    if (pod.ingress_isolated) {
      chains += policy_chain("ingress_" + number, pod.ingress, "saddr");
      ingress.push_back(pod.ip + " : jump ingress_" + number);
    }
    if (pod.egress_isolated) {
      chains += policy_chain("egress_" + number, pod.egress, "daddr");
      egress.push_back(pod.ip + " : jump egress_" + number);
    }
  }
  std::string out = "table ip fairlead {}\ndelete table ip fairlead\ntable ip fairlead {\n";
  out += chains;
  out += "  map services {\n    type ipv4_addr . inet_proto . inet_service : verdict\n" + elements(translated.entries) +
         "  }\n";
  out += "  map ingress {\n    type ipv4_addr : verdict\n" + elements(ingress) + "  }\n";
  out += "  map egress {\n    type ipv4_addr : verdict\n" + elements(egress) + "  }\n";
  out += "  set self {\n    type ipv4_addr . ipv4_addr\n" + elements(translated.self) + "  }\n";
  return out + kBaseChains + "}\n";
}

}  // namespace fairlead::node
