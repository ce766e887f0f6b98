// The network of the cluster's namespace and of each pod: routed, one veth pair and one /32 per pod.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/descriptor.h"
#include "base/error.h"
#include "engine/node/netlink.h"

namespace fairlead::node {

inline constexpr Address kNodeAddress = 0x0AF40001;      ///< 10.244.0.1
inline constexpr Address kFirstPodAddress = 0x0AF40002;  ///< 10.244.0.2
inline constexpr Address kLastPodAddress = 0x0AF4FFFE;   ///< 10.244.255.254
inline constexpr Address kGatewayAddress = 0xA9FE0101;   ///< 169.254.1.1, the pod's side of nothing but its own link
inline constexpr Address kServiceNetwork = 0x0A600000;   ///< 10.96.0.0/16
inline constexpr std::uint8_t kServiceLength = 16;

struct PodNetwork {
  Descriptor ns;  ///< The pod's network namespace.
  Address address = 0;
  std::string link;  ///< The host end of its veth pair, once it is made.
};

/// The first address from `next` on that is not in `taken`, from the first pod's again after the last; 0 when all are.
[[nodiscard]] Address free_pod_address(Address next, const std::set<Address>& taken);

/// Used by one thread, which must be in the cluster's namespace.
class Network {
 public:
  /// Gives the namespace the node's address and the way to Services. `memory` is a file that keeps the next address.
  [[nodiscard]] static Result<Network> open(std::string memory);

  /// About 1 ms. Addresses are handed out in turn, over restarts of the node too, so that one is not used again while
  /// anybody may remember it; one that a pod has is passed over.
  [[nodiscard]] Result<PodNetwork> add_pod();
  void remove_pod(PodNetwork& pod);
  /// Runs `body` with this thread inside the pod's namespace: sockets opened there stay there.
  void inside(const PodNetwork& pod, const std::function<void()>& body) const;

 private:
  Network(Descriptor home, Netlink netlink, std::string memory)
      : home_(std::move(home)), netlink_(std::move(netlink)), memory_(std::move(memory)) {}
  Result<> connect(PodNetwork& pod);

  Descriptor home_;
  Netlink netlink_;
  std::string memory_;
  Address next_ = kFirstPodAddress;
  std::set<Address> taken_;
};

}  // namespace fairlead::node
