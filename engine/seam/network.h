// What the cluster's network must do, computed by control from Services, EndpointSlices, NetworkPolicies and Pods, and
// carried out by a node. Plain data: two equal programs mean the same network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::seam {

struct Endpoint {
  std::string ip;
  std::uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

struct ServicePort {
  std::string name;      ///< May be empty.
  std::string protocol;  ///< "TCP" or "UDP".
  std::uint16_t port = 0;
  std::vector<Endpoint> endpoints;  ///< Ready ones, sorted. Empty: connections are refused.
  friend auto operator<=>(const ServicePort&, const ServicePort&) = default;
};

struct HeadlessName {
  std::string hostname;  ///< Empty for the Service's own name.
  std::string ip;
  friend auto operator<=>(const HeadlessName&, const HeadlessName&) = default;
};

struct ServiceProgram {
  std::string ns;
  std::string name;
  std::string cluster_ip;     ///< "None" for headless Services, empty for ExternalName.
  std::string external_name;  ///< For ExternalName Services: the CNAME.
  std::vector<ServicePort> ports;
  std::vector<HeadlessName> headless;  ///< Addresses that the name itself resolves to, for headless Services.
  friend auto operator<=>(const ServiceProgram&, const ServiceProgram&) = default;
};

struct PortRange {
  std::string protocol;     ///< "TCP", "UDP" or "SCTP".
  std::uint16_t first = 0;  ///< 0 with last 65535: every port.
  std::uint16_t last = 65535;
  friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

struct PeerBlock {
  std::string cidr;  ///< "10.244.0.7/32", "0.0.0.0/0".
  std::vector<std::string> except;
  friend auto operator<=>(const PeerBlock&, const PeerBlock&) = default;
};

/// One allowance: traffic with any of `peers` on any of `ports`. An empty list means every peer, or every port.
/// `peers` that selected nobody are represented by `nobody`, not by an empty list.
struct Allowance {
  std::vector<PeerBlock> peers;
  std::vector<PortRange> ports;
  bool nobody = false;
  friend auto operator<=>(const Allowance&, const Allowance&) = default;
};

/// What one pod may receive and send. A direction that no policy selects is open, whatever its list holds.
struct PodPolicy {
  std::string ns;
  std::string pod;
  std::string ip;
  bool ingress_isolated = false;
  bool egress_isolated = false;
  std::vector<Allowance> ingress;
  std::vector<Allowance> egress;
  friend auto operator<=>(const PodPolicy&, const PodPolicy&) = default;
};

/// A pod whose policies were worked out, under the address that it had then.
struct KnownPod {
  std::string uid;
  std::string ip;
  friend auto operator<=>(const KnownPod&, const KnownPod&) = default;
};

struct NetworkProgram {
  std::vector<ServiceProgram> services;  ///< Sorted by namespace and name.
  std::vector<PodPolicy> pods;           ///< Only pods isolated in some direction; sorted by namespace and name.
  std::vector<KnownPod> known;           ///< Every pod with an address, sorted. No container starts before its pod is.
  friend bool operator==(const NetworkProgram&, const NetworkProgram&) = default;
};

}  // namespace fairlead::seam
