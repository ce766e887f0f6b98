#include "engine/node/ruleset.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/node/netlink.h"

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

/// Collects what is left out. Everything that goes into the rules is checked here first: one word that nft does not
/// understand would make it refuse all of them.
class Checker {
 public:
  explicit Checker(std::vector<std::string>& problems) : problems_(problems) {}

  void about(std::string owner) { owner_ = std::move(owner); }

  bool address(const std::string& text) {
    return parse_address(text) != 0 || refuse(fmt::format("\"{}\" is not an IPv4 address", text));
  }
  bool protocol(const std::string& text) {
    return text == "TCP" || text == "UDP" || text == "SCTP" || refuse(fmt::format("\"{}\" is not a protocol", text));
  }
  bool range(const PortRange& range) {
    if (!protocol(range.protocol)) return false;
    return range.first <= range.last || refuse(fmt::format("{}-{} are no ports", range.first, range.last));
  }
  /// The block as nft writes it: without the bits that its length does not cover.
  std::optional<std::string> block(const std::string& text) {
    const auto slash = std::min(text.find('/'), text.size());
    const std::string place = text.substr(0, slash);
    unsigned length = kAllBits + 1;
    if (slash < text.size()) std::from_chars(text.data() + slash + 1, text.data() + text.size(), length);
    const Address address = parse_address(place);
    // 0.0.0.0 reads as no address at all, but is one here.
    if (length > kAllBits || (address == 0 && place != "0.0.0.0")) {
      refuse(fmt::format("\"{}\" is not a block of IPv4 addresses", text));
      return std::nullopt;
    }
    const Address mask = length == 0 ? 0 : ~Address{0} << (kAllBits - length);
    return fmt::format("{}/{}", format_address(address & mask), length);
  }

 private:
  static constexpr unsigned kAllBits = 32;

  bool refuse(const std::string& why) {
    problems_.push_back(fmt::format("{}: {}", owner_, why));
    return false;
  }

  std::vector<std::string>& problems_;
  std::string owner_;
};

/// One match per protocol, its ranges merged: nft refuses sets that overlap. {""} stands for any port.
std::vector<std::string> port_matches(const std::vector<PortRange>& ports, Checker& checker) {
  if (ports.empty()) return {""};
  std::map<std::string, std::vector<std::pair<unsigned, unsigned>>> by_protocol;
  for (const auto& port : ports) {
    if (checker.range(port)) by_protocol[lower(port.protocol)].emplace_back(port.first, port.last);
  }
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

/// "ip saddr 10.0.0.0/8 ip saddr != 10.1.0.0/16 "; none when a part is not well said: an exception that is left out
/// would allow what nobody allowed.
std::optional<std::string> block_match(const PeerBlock& peer, const char* field, Checker& checker) {
  const auto block = checker.block(peer.cidr);
  if (!block) return std::nullopt;
  std::string match = *block == "0.0.0.0/0" ? "" : fmt::format("ip {} {} ", field, *block);
  for (const auto& text : peer.except) {
    const auto except = checker.block(text);
    if (!except) return std::nullopt;
    match += fmt::format("ip {} != {} ", field, *except);
  }
  return match;
}

/// Single addresses share one set; blocks with exceptions need a rule each. {""} stands for any peer.
std::vector<std::string> peer_matches(const std::vector<PeerBlock>& peers, const char* field, Checker& checker) {
  if (peers.empty()) return {""};
  std::set<std::string> addresses;
  std::vector<std::string> matches;
  for (const auto& peer : peers) {
    if (peer.except.empty() && peer.cidr.ends_with("/32")) {
      std::string address = peer.cidr.substr(0, peer.cidr.size() - 3);
      if (checker.address(address)) addresses.insert(std::move(address));
      continue;
    }
    if (auto match = block_match(peer, field, checker)) matches.push_back(*std::move(match));
  }
  if (!addresses.empty()) {
    matches.push_back(fmt::format("ip {} {{ {} }} ", field, join({addresses.begin(), addresses.end()})));
  }
  return matches;
}

std::string policy_chain(const std::string& name, const std::vector<Allowance>& allowances, const char* field,
                         Checker& checker) {
  std::string out = "  chain " + name + " {\n";
  for (const auto& allowance : allowances) {
    if (allowance.nobody) continue;
    const auto all_ports = port_matches(allowance.ports, checker);
    for (const auto& peers : peer_matches(allowance.peers, field, checker)) {
      for (const auto& ports : all_ports) out += "    " + peers + ports + "return\n";
    }
  }
  return out + "    drop\n  }\n";
}

struct Services {
  std::string chains;
  std::vector<std::string> entries;
  std::vector<std::string> self;
};

/// "0 : 10.244.0.2 . 8080" for each endpoint that can be reached.
std::vector<std::string> targets(const seam::ServicePort& port, std::set<std::string>& self, Checker& checker) {
  std::vector<std::string> out;
  for (const auto& endpoint : port.endpoints) {
    if (endpoint.port == 0 || !checker.address(endpoint.ip)) continue;
    out.push_back(fmt::format("{} : {} . {}", out.size(), endpoint.ip, endpoint.port));
    self.insert(fmt::format("{0} . {0}", endpoint.ip));
  }
  return out;
}

Services services(const NetworkProgram& program, Checker& checker) {
  Services out;
  std::set<std::string> self;
  std::set<std::string> taken;
  for (const auto& service : program.services) {
    if (service.cluster_ip.empty() || service.cluster_ip == "None") continue;
    checker.about(fmt::format("Service {}/{}", service.ns, service.name));
    if (!checker.address(service.cluster_ip)) continue;
    for (const auto& port : service.ports) {
      if (!checker.protocol(port.protocol)) continue;
      const std::string key = fmt::format("{} . {} . {}", service.cluster_ip, lower(port.protocol), port.port);
      if (taken.contains(key)) continue;
      const auto endpoints = targets(port, self, checker);
      if (endpoints.empty()) continue;
      taken.insert(key);
      const std::string chain = fmt::format("service_{}", out.entries.size());
      const std::string protocol = "meta l4proto " + lower(port.protocol);
      out.chains += fmt::format("  chain {} {{\n    {} dnat ip to numgen random mod {} map {{ {} }}\n  }}\n", chain,
                                protocol, endpoints.size(), join(endpoints));
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

Ruleset ruleset(const NetworkProgram& program) {
  Ruleset result;
  Checker checker(result.problems);
  const Services translated = services(program, checker);
  std::string chains = translated.chains;
  std::vector<std::string> ingress;
  std::vector<std::string> egress;
  std::set<std::string> seen;
  for (const auto& pod : program.pods) {
    if (pod.ip.empty() || seen.contains(pod.ip)) continue;
    checker.about(fmt::format("the network policies of pod {}/{}", pod.ns, pod.pod));
    if (!checker.address(pod.ip)) continue;
    seen.insert(pod.ip);
    const std::string number = std::to_string(seen.size());
    if (pod.ingress_isolated) {
      chains += policy_chain("ingress_" + number, pod.ingress, "saddr", checker);
      ingress.push_back(pod.ip + " : jump ingress_" + number);
    }
    if (pod.egress_isolated) {
      chains += policy_chain("egress_" + number, pod.egress, "daddr", checker);
      egress.push_back(pod.ip + " : jump egress_" + number);
    }
  }
  std::string& out = result.text;
  out = "table ip fairlead {}\ndelete table ip fairlead\ntable ip fairlead {\n";
  out += chains;
  out += "  map services {\n    type ipv4_addr . inet_proto . inet_service : verdict\n" + elements(translated.entries) +
         "  }\n";
  out += "  map ingress {\n    type ipv4_addr : verdict\n" + elements(ingress) + "  }\n";
  out += "  map egress {\n    type ipv4_addr : verdict\n" + elements(egress) + "  }\n";
  out += "  set self {\n    type ipv4_addr . ipv4_addr\n" + elements(translated.self) + "  }\n";
  out += kBaseChains;
  out += "}\n";
  return result;
}

}  // namespace fairlead::node
