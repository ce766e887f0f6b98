// EndpointSlices and NetworkPolicies. Sources: pkg/apis/{discovery,networking}/validation/validation.go.
#include <algorithm>
#include <array>
#include <set>

#include <arpa/inet.h>

#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

void check_policy_port(const Value& port, const std::string& where, Findings& findings) {
  check_port(port.at("port"), where + ".port", findings);
  check_one_of(port.at("protocol"), {"TCP", "UDP", "SCTP"}, where + ".protocol", findings);
  const Value& end = port.at("endPort");
  if (end.is_null()) return;
  if (port.at("port").is_null()) {
    findings.invalid(where + ".endPort", end, "may not be specified when `port` is not specified");
  } else if (port.at("port").is_string()) {
    findings.invalid(where + ".endPort", end, "may not be specified when `port` is non-numeric");
  } else {
    if (end.int_or(0) < port.at("port").int_or(0))
      findings.invalid(where + ".endPort", port.at("port"), "must be greater than or equal to `port`");
    check_port(end, where + ".endPort", findings);
  }
}

void check_block(const Value& block, const std::string& where, Findings& findings) {
  const std::string_view range = block.at("cidr").str();
  if (range.empty()) return findings.required(where + ".cidr");
  if (const std::string why = bad_range(range); !why.empty())
    return findings.invalid(where + ".cidr", block.at("cidr"), why);
  for (std::size_t i = 0; i < block.at("except").size(); ++i) {
    const Value& except = block.at("except", i);
    const std::string path = index_path(where + ".except", i);
    if (const std::string why = bad_range(except.str()); !why.empty()) {
      findings.invalid(path, except, why);
    } else if (!is_strict_subset(except.str(), range)) {
      findings.invalid(path, except, "must be a strict subset of `cidr`");
    }
  }
}

void check_peers(const Value& peers, const std::string& path, Findings& findings) {
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const Value& peer = peers.at(i);
    const std::string where = index_path(path, i);
    if (peer.empty()) findings.required(where, "must specify a peer");
    check_label_selector(peer.at("podSelector"), where + ".podSelector", findings);
    check_label_selector(peer.at("namespaceSelector"), where + ".namespaceSelector", findings);
    if (peer.has("ipBlock")) check_block(peer.at("ipBlock"), where + ".ipBlock", findings);
    if (peer.has("ipBlock") && peer.size() > 1)
      findings.forbidden(where, "may not specify both ipBlock and another peer");
  }
}

/// A well-formed address that no endpoint can have: ValidateEndpointIP of pkg/apis/core/validation.
void check_endpoint_range(const Value& address, const std::string& where, Findings& findings) {
  const std::string text(address.str());
  std::array<unsigned char, 16> bytes{};
  const bool four = inet_pton(AF_INET, text.c_str(), bytes.data()) == 1;
  if (!four) inet_pton(AF_INET6, text.c_str(), bytes.data());
  const bool zero = std::ranges::all_of(bytes, [](unsigned char byte) { return byte == 0; });
  const bool one = std::ranges::all_of(bytes.begin(), bytes.end() - 1, [](unsigned char byte) { return byte == 0; });
  if (zero) findings.invalid(where, address, fmt::format("may not be unspecified ({})", text));
  if (four ? bytes[0] == 127 : one && bytes[15] == 1)
    findings.invalid(where, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (four ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
    findings.invalid(where, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (four ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0 : bytes[0] == 0xff && (bytes[1] & 0x0f) == 2)
    findings.invalid(where, address, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
}

void check_endpoint_addresses(const Value& addresses, std::string_view type, const std::string& where,
                              Findings& findings) {
  if (addresses.empty()) findings.required(where, "must contain at least 1 address");
  if (type == "FQDN") return;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Value& address = addresses.at(i);
    if (const std::string why = bad_address(address.str()); !why.empty()) {
      findings.invalid(index_path(where, i), address, why);
      continue;
    }
    // Upstream names the list, not the address, where the family is wrong.
    const bool six = address.str().contains(':');
    if (type == "IPv4" && six) findings.invalid(where, address, "must be an IPv4 address");
    if (type == "IPv6" && !six) findings.invalid(where, address, "must be an IPv6 address");
    check_endpoint_range(address, index_path(where, i), findings);
  }
}

}  // namespace

void check_endpoint_slice(const Value& object, const Value* before, Findings& findings) {
  const std::string_view type = object.at("addressType").str();
  check_one_of(object.at("addressType"), {"FQDN", "IPv4", "IPv6"}, "addressType", findings);
  const bool known = type == "IPv4" || type == "IPv6" || type == "FQDN";
  for (std::size_t i = 0; i < object.at("endpoints").size(); ++i) {
    check_endpoint_addresses(object.at("endpoints", i, "addresses"), type, index_path("endpoints", i) + ".addresses",
                             findings);
  }
  for (std::size_t i = 0; known && i < object.at("ports").size(); ++i) {
    check_port(object.at("ports", i, "port"), index_path("ports", i) + ".port", findings);
  }
  if (before != nullptr) check_immutable(object.at("addressType"), before->at("addressType"), "addressType", findings);
}

void check_network_policy(const Value& object, const Value*, Findings& findings) {
  const Value& spec = object.at("spec");
  check_label_selector(spec.at("podSelector"), "spec.podSelector", findings);
  for (const auto& [direction, peers] : {std::pair("ingress", "from"), std::pair("egress", "to")}) {
    for (std::size_t i = 0; i < spec.at(direction).size(); ++i) {
      const Value& rule = spec.at(direction, i);
      const std::string where = index_path(child_path("spec", direction), i);
      for (std::size_t j = 0; j < rule.at("ports").size(); ++j)
        check_policy_port(rule.at("ports", j), index_path(where + ".ports", j), findings);
      check_peers(rule.at(peers), child_path(where, peers), findings);
    }
  }
  const Value& types = spec.at("policyTypes");
  if (types.size() > 2) return findings.invalid("spec.policyTypes", types, "may not specify more than two policyTypes");
  for (std::size_t i = 0; i < types.size(); ++i) {
    check_one_of(types.at(i), {"Ingress", "Egress"}, index_path("spec.policyTypes", i), findings);
  }
}

}  // namespace fairlead::api
