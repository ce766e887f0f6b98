#include "engine/node/netlink.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "engine/node/files.h"

namespace fairlead::node {

namespace {

/// A message under construction: header, body, then attributes that may nest.
class Message {
 public:
  template <class Body>
  Message(std::uint16_t type, std::uint16_t flags, const Body& body) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(&header, sizeof header);
    append(&body, sizeof body);
  }

  Message& attribute(std::uint16_t type, const void* data, std::size_t size) {
    rtattr header{};
    header.rta_type = type;
    header.rta_len = static_cast<std::uint16_t>(sizeof header + size);
    append(&header, sizeof header);
    append(data, size);
    return *this;
  }
  Message& attribute(std::uint16_t type, const std::string& text) {
    return attribute(type, text.c_str(), text.size() + 1);
  }
  Message& attribute(std::uint16_t type, std::uint32_t number) { return attribute(type, &number, sizeof number); }
  Message& address(std::uint16_t type, Address value) { return attribute(type, htonl(value)); }

  [[nodiscard]] std::size_t begin(std::uint16_t type) {
    const std::size_t at = bytes_.size();
    attribute(type, nullptr, 0);
    return at;
  }
  Message& raw(const void* data, std::size_t size) {
    append(data, size);
    return *this;
  }
  Message& end(std::size_t at) {
    rtattr header{};
    std::memcpy(&header, bytes_.data() + at, sizeof header);
    header.rta_len = static_cast<std::uint16_t>(bytes_.size() - at);
    std::memcpy(bytes_.data() + at, &header, sizeof header);
    return *this;
  }

  [[nodiscard]] std::vector<char> take() { return std::move(bytes_); }

 private:
  void append(const void* data, std::size_t size) {
    const char* from = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
  }

  std::vector<char> bytes_;
};

}  // namespace

std::string format_address(Address address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255, address & 255);
}

Address parse_address(std::string_view text) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &parsed) != 1) return 0;
  return ntohl(parsed.s_addr);
}

Result<Netlink> Netlink::open() {
  Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return fail("cannot open rtnetlink: {}", error_text(errno));
  return Netlink(std::move(socket));
}

Result<std::vector<char>> Netlink::request(std::vector<char> message, const char* what) {
  nlmsghdr header{};
  std::memcpy(&header, message.data(), sizeof header);
  header.nlmsg_len = static_cast<std::uint32_t>(message.size());
  header.nlmsg_flags = static_cast<std::uint16_t>(header.nlmsg_flags | NLM_F_ACK);
  header.nlmsg_seq = ++sequence_;
  std::memcpy(message.data(), &header, sizeof header);
  if (::send(socket_.get(), message.data(), message.size(), 0) < 0) return fail("{}: {}", what, error_text(errno));
  std::vector<char> answer;
  for (;;) {
    alignas(nlmsghdr) std::array<char, 16384> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < static_cast<ssize_t>(sizeof header)) return fail("{}: no answer", what);
    std::size_t at = 0;
    while (at + sizeof header <= static_cast<std::size_t>(got)) {
      nlmsghdr part{};
      std::memcpy(&part, buffer.data() + at, sizeof part);
      const char* body = buffer.data() + at + sizeof part;
      if (part.nlmsg_len < sizeof part) return fail("{}: malformed answer", what);
      if (part.nlmsg_seq == sequence_ && part.nlmsg_type == NLMSG_ERROR) {
        nlmsgerr error{};
        std::memcpy(&error, body, sizeof error);
        if (error.error != 0) return fail("{}: {}", what, error_text(-error.error));
        return answer;
      }
      if (part.nlmsg_seq == sequence_) answer.assign(body, body + (part.nlmsg_len - sizeof part));
      at += NLMSG_ALIGN(std::size_t{part.nlmsg_len});
    }
  }
}

Result<> Netlink::add_veth(const std::string& name, const std::string& peer, int peer_namespace) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  const auto info = message.begin(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, std::string("veth"));
  const auto data = message.begin(IFLA_INFO_DATA);
  const auto other = message.begin(VETH_INFO_PEER);
  const ifinfomsg peer_header{};
  message.raw(&peer_header, sizeof peer_header);
  message.attribute(IFLA_IFNAME, peer);
  message.attribute(IFLA_NET_NS_FD, static_cast<std::uint32_t>(peer_namespace));
  message.end(other).end(data).end(info);
  auto done = request(message.take(), "cannot make a veth pair");
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<> Netlink::remove_link(const std::string& name) {
  Message message(RTM_DELLINK, 0, ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  auto done = request(message.take(), "cannot remove a link");
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<> Netlink::link_up(int link) {
  ifinfomsg body{};
  body.ifi_index = link;
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  auto done = request(Message(RTM_NEWLINK, 0, body).take(), "cannot bring up a link");
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<> Netlink::add_address(int link, Address address) {
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = 32;
  body.ifa_index = static_cast<std::uint32_t>(link);
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  message.address(IFA_LOCAL, address).address(IFA_ADDRESS, address);
  auto done = request(message.take(), "cannot add an address");
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<> Netlink::add_route(const Route& route) {
  rtmsg body{};
  body.rtm_family = AF_INET;
  body.rtm_dst_len = route.length;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = route.gateway == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body);
  if (route.length > 0) message.address(RTA_DST, route.destination);
  if (route.gateway != 0) message.address(RTA_GATEWAY, route.gateway);
  if (route.source != 0) message.address(RTA_PREFSRC, route.source);
  message.attribute(RTA_OIF, static_cast<std::uint32_t>(route.link));
  auto done = request(message.take(), "cannot add a route");
  if (!done) return std::unexpected(done.error());
  return {};
}

Result<int> Netlink::link_index(const std::string& name) {
  Message message(RTM_GETLINK, 0, ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  auto answer = request(message.take(), "cannot find a link");
  if (!answer) return std::unexpected(answer.error());
  ifinfomsg body{};
  if (answer->size() < sizeof body) return fail("cannot find the link {}", name);
  std::memcpy(&body, answer->data(), sizeof body);
  return body.ifi_index;
}

}  // namespace fairlead::node
