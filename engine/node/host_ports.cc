#include "engine/node/host_ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "engine/node/file_limit.h"

namespace fairlead::node {

namespace {

constexpr std::size_t kBuffer = 64 * 1024;
constexpr std::size_t kMaxConnections = 4096;
constexpr Duration kAcceptPause{100};

}  // namespace

struct HostPorts::Pair {
  std::array<Side, 2> sides;  ///< The client outside, the pod.
};

HostPorts::HostPorts(Outside& outside) : outside_(outside), thread_([this] { loop_.run(); }) {}

HostPorts::~HostPorts() { loop_.stop(); }

Result<> HostPorts::open(std::uint16_t host_port, Address address, std::uint16_t port, bool again) {
  Descriptor listener;
  if (!known_.contains(host_port)) {
    auto got = outside_.listen(host_port, again);
    if (!got) return std::unexpected(got.error());
    listener = std::move(*got);
  }
  known_[host_port] = address;
  loop_.post([this, host_port, address, port, listener = std::move(listener)]() mutable {
    auto& target = targets_[host_port];
    target.address = address;
    target.port = port;
    if (!listener) return;
    target.listener = std::move(listener);
    loop_.watch(target.listener.get(), EPOLLIN, [this, host_port](std::uint32_t) { accept_all(host_port); });
  });
  return {};
}

void HostPorts::close(std::uint16_t host_port, Address address) {
  const auto found = known_.find(host_port);
  if (found == known_.end() || found->second != address) return;
  known_.erase(found);
  loop_.post([this, host_port] {
    const auto target = targets_.find(host_port);
    if (target == targets_.end()) return;
    loop_.unwatch(target->second.listener.get());
    targets_.erase(target);
  });
}

void HostPorts::accept_all(std::uint16_t host_port) {
  const auto& target = targets_.at(host_port);
  for (;;) {
    Descriptor client(::accept4(target.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) {
      if (is_out_of_files(errno)) pause(host_port);
      return;
    }
    if (pairs_.size() >= 2 * kMaxConnections) continue;
    Descriptor pod(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(target.port);
    name.sin_addr.s_addr = htonl(target.address);
    if (::connect(pod.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 && errno != EINPROGRESS)
      continue;
    auto pair = std::make_shared<Pair>();
    pair->sides[0].socket = std::move(client);
    pair->sides[1].socket = std::move(pod);
    for (const auto& side : pair->sides) {
      const int on = 1;
      ::setsockopt(side.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      pairs_[side.socket.get()] = pair;
      loop_.watch(side.socket.get(), EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, [this, pair](std::uint32_t events) {
        if ((events & EPOLLERR) != 0) return drop(pair);
        turn(pair);
      });
    }
  }
}

/// Whoever waits to be accepted keeps the listener ready: it is not watched until descriptors may be free again.
void HostPorts::pause(std::uint16_t host_port) {
  loop_.change(targets_.at(host_port).listener.get(), 0);
  loop_.after(kAcceptPause, [this, host_port] {
    const auto target = targets_.find(host_port);
    if (target != targets_.end()) loop_.change(target->second.listener.get(), EPOLLIN);
  });
}

/// Moves what can be moved from side `from` to the other one.
void HostPorts::move(const std::shared_ptr<Pair>& pair, std::size_t from) {
  Side& source = pair->sides[from];
  Side& sink = pair->sides[1 - from];
  std::array<char, kBuffer> buffer;
  for (;;) {
    while (!sink.pending.empty()) {
      const ssize_t put = ::send(sink.socket.get(), sink.pending.data(), sink.pending.size(), MSG_NOSIGNAL);
      if (put < 0 && errno != EAGAIN && errno != ENOTCONN) return drop(pair);
      if (put < 0) return;
      sink.pending.erase(0, static_cast<std::size_t>(put));
    }
    if (!source.open) break;
    const ssize_t got = ::recv(source.socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == ENOTCONN)) return;
    if (got < 0) return drop(pair);
    if (got == 0) source.open = false;
    sink.pending.assign(buffer.data(), static_cast<std::size_t>(got));
  }
  if (!sink.shut) {
    sink.shut = true;
    ::shutdown(sink.socket.get(), SHUT_WR);
  }
}

void HostPorts::turn(const std::shared_ptr<Pair>& pair) {
  for (const std::size_t from : {0U, 1U}) {
    if (!pair->sides[0].socket) return;
    move(pair, from);
  }
  if (pair->sides[0].shut && pair->sides[1].shut) drop(pair);
}

void HostPorts::drop(const std::shared_ptr<Pair>& pair) {
  for (auto& side : pair->sides) {
    if (!side.socket) continue;
    loop_.unwatch(side.socket.get());
    pairs_.erase(side.socket.get());
    side.socket.reset();
  }
}

}  // namespace fairlead::node
