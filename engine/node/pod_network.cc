#include "engine/node/pod_network.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>

#include "engine/node/files.h"

namespace fairlead::node {

namespace {

Descriptor current_namespace() { return Descriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

}  // namespace

Address free_pod_address(Address next, const std::set<Address>& taken) {
  for (Address tried = kFirstPodAddress; tried <= kLastPodAddress; ++tried) {
    if (!taken.contains(next)) return next;
    next = next == kLastPodAddress ? kFirstPodAddress : next + 1;
  }
  return 0;
}

Result<Network> Network::open(std::string memory) {
  auto netlink = Netlink::open();
  if (!netlink) return std::unexpected(netlink.error());
  const auto loopback = netlink->link_index("lo");
  if (!loopback) return std::unexpected(loopback.error());
  if (auto ok = netlink->add_address(*loopback, kNodeAddress); !ok) return std::unexpected(ok.error());
  // Addresses of Services lead nowhere by themselves; the route only brings packets to the hooks that translate or
  // reject them.
  const Route services{
      .destination = kServiceNetwork, .length = kServiceLength, .source = kNodeAddress, .link = *loopback};
  if (auto ok = netlink->add_route(services); !ok) return std::unexpected(ok.error());
  Network network(current_namespace(), std::move(*netlink), std::move(memory));
  const Address next = parse_address(read_file(network.memory_).value_or(""));
  if (next >= kFirstPodAddress && next <= kLastPodAddress) network.next_ = next;
  return network;
}

void Network::inside(const PodNetwork& pod, const std::function<void()>& body) const {
  FAIRLEAD_ASSERT(::setns(pod.ns.get(), CLONE_NEWNET) == 0);
  body();
  FAIRLEAD_ASSERT(::setns(home_.get(), CLONE_NEWNET) == 0);
}

Result<PodNetwork> Network::add_pod() {
  PodNetwork pod;
  pod.address = free_pod_address(next_, taken_);
  if (pod.address == 0) return fail("every address of the pod network is taken");
  next_ = pod.address == kLastPodAddress ? kFirstPodAddress : pod.address + 1;
  // Written in place: losing it costs no more than an address that somebody remembers.
  if (auto kept = write_file(memory_, format_address(next_)); !kept) return std::unexpected(kept.error());
  if (::unshare(CLONE_NEWNET) != 0) return fail("cannot make a network namespace: {}", error_text(errno));
  pod.ns = current_namespace();
  FAIRLEAD_ASSERT(::setns(home_.get(), CLONE_NEWNET) == 0);
  if (auto ok = connect(pod); !ok) {
    remove_pod(pod);
    return std::unexpected(ok.error());
  }
  taken_.insert(pod.address);
  return pod;
}

Result<> Network::connect(PodNetwork& pod) {
  const std::string name = fmt::format("pod{}", pod.address & 0xFFFF);
  if (auto ok = netlink_.add_veth(name, "eth0", pod.ns.get()); !ok) return ok;
  pod.link = name;  // Only now: who gives this pod up must not remove a link that was there before.
  const auto link = netlink_.link_index(pod.link);
  if (!link) return std::unexpected(link.error());
  if (auto ok = netlink_.add_address(*link, kGatewayAddress); !ok) return ok;
  if (auto ok = netlink_.link_up(*link); !ok) return ok;
  if (auto ok = netlink_.add_route({.destination = pod.address, .source = kNodeAddress, .link = *link}); !ok) return ok;
  Result<> result;
  inside(pod, [&] {
    result = [&]() -> Result<> {
      auto netlink = Netlink::open();
      if (!netlink) return std::unexpected(netlink.error());
      const auto loopback = netlink->link_index("lo");
      const auto eth = netlink->link_index("eth0");
      if (!loopback || !eth) return fail("the pod's network namespace has no eth0");
      if (auto ok = netlink->link_up(*loopback); !ok) return ok;
      if (auto ok = netlink->add_address(*eth, pod.address); !ok) return ok;
      if (auto ok = netlink->link_up(*eth); !ok) return ok;
      if (auto ok = netlink->add_route({.destination = kGatewayAddress, .link = *eth}); !ok) return ok;
      return netlink->add_route({.length = 0, .gateway = kGatewayAddress, .link = *eth});
    }();
  });
  return result;
}

void Network::remove_pod(PodNetwork& pod) {
  if (!pod.ns) return;
  if (!pod.link.empty()) (void)netlink_.remove_link(pod.link);
  taken_.erase(pod.address);
  pod.ns.reset();
}

}  // namespace fairlead::node
