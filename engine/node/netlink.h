// The few rtnetlink requests that a pod's network needs, without a process for each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"

namespace fairlead::node {

/// An IPv4 address in host byte order.
using Address = std::uint32_t;

[[nodiscard]] std::string format_address(Address address);
/// 0 for anything that is not a dotted quad.
[[nodiscard]] Address parse_address(std::string_view text);

struct Route {
  Address destination = 0;  ///< 0 with length 0: default.
  std::uint8_t length = 32;
  Address gateway = 0;  ///< 0: on the link.
  Address source = 0;   ///< Preferred source; 0: the kernel's choice.
  int link = 0;
};

/// Talks to the network namespace in which it was opened, whatever namespace the thread is in later. One thread at a
/// time; every call waits for the kernel's answer, some tens of microseconds.
class Netlink {
 public:
  [[nodiscard]] static Result<Netlink> open();

  /// A veth pair: `name` here, `peer` in the namespace `peer_namespace`.
  [[nodiscard]] Result<> add_veth(const std::string& name, const std::string& peer, int peer_namespace);
  [[nodiscard]] Result<> remove_link(const std::string& name);
  [[nodiscard]] Result<> link_up(int link);
  [[nodiscard]] Result<> add_address(int link, Address address);
  [[nodiscard]] Result<> add_route(const Route& route);
  /// The index of a link in this namespace.
  [[nodiscard]] Result<int> link_index(const std::string& name);

 private:
  explicit Netlink(Descriptor socket) : socket_(std::move(socket)) {}
  Result<std::vector<char>> request(std::vector<char> message, const char* what);

  Descriptor socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace fairlead::node
