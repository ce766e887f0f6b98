// What the cluster's DNS knows, and its answers. Pure: bytes in, bytes out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/node/netlink.h"
#include "engine/seam/network.h"

namespace fairlead::node {

/// Names outside the cluster that resolve to addresses inside it: "shop.documents.azure.com" → {10.96.0.30}.
using HostNames = std::map<std::string, std::vector<std::string>>;

/// Follows the DNS-based service discovery specification (github.com/kubernetes/dns, docs/specification.md) and
/// CoreDNS' kubernetes plugin with `pods insecure`: A for Services, headless names and pods, CNAME for ExternalName,
/// SRV for named ports, PTR for addresses of Services and named endpoints. Existing names without the asked type give
/// NODATA, others NXDOMAIN; there is no resolver beyond the cluster.
class DnsZone {
 public:
  DnsZone() = default;
  DnsZone(const seam::NetworkProgram& program, const HostNames& hosts);

  /// The reply to one query; empty when it is too short or not a query at all. `limit` is the largest reply the
  /// transport takes (512 for plain UDP; EDNS raises it, up to 1232): a longer one is cut and marked as such.
  [[nodiscard]] std::string answer(std::string_view query, std::size_t limit) const;

 private:
  struct Service {
    std::uint16_t port = 0;
    std::string target;
  };
  struct Name {
    std::vector<Address> addresses;
    std::string cname;
    std::vector<Service> services;
    std::string pointer;
  };
  friend class DnsReply;

  void add_service(const seam::ServiceProgram& service);
  Name& add(const std::string& name);
  /// Null when there is no such name.
  [[nodiscard]] const Name* find(const std::string& name, Name& scratch) const;

  std::map<std::string, Name> names_;  ///< Lower case, without the last dot; empty non-terminals too.
};

}  // namespace fairlead::node
