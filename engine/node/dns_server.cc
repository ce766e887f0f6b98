#include "engine/node/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "engine/node/file_limit.h"
#include "engine/node/files.h"

namespace fairlead::node {

namespace {

constexpr std::uint16_t kPort = 53;
constexpr std::size_t kMaxConnections = 64;
constexpr Duration kConnectionIdle{5'000};
constexpr int kDatagramsPerTurn = 64;
constexpr Duration kAcceptPause{100};

Descriptor bound(int type, Address address) {
  Descriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(kPort);
  name.sin_addr.s_addr = htonl(address);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) socket.reset();
  return socket;
}

}  // namespace

Result<> DnsServer::start(const Network& network, const PodNetwork& pod) {
  int error = 0;
  network.inside(pod, [&] {
    udp_ = bound(SOCK_DGRAM, pod.address);
    tcp_ = bound(SOCK_STREAM, pod.address);
    if (!udp_ || !tcp_ || ::listen(tcp_.get(), 64) != 0) error = errno;
  });
  if (!udp_ || !tcp_)
    return fail("cannot serve DNS on port 53 of {}: {}", format_address(pod.address), error_text(error));
  loop_.watch(udp_.get(), EPOLLIN, [this](std::uint32_t) { answer_datagrams(); });
  loop_.watch(tcp_.get(), EPOLLIN, [this](std::uint32_t) { accept_connections(); });
  return {};
}

DnsServer::~DnsServer() {
  loop_.cancel(resume_);
  while (!connections_.empty()) drop(connections_.begin()->first);
  if (udp_) loop_.unwatch(udp_.get());
  if (tcp_) loop_.unwatch(tcp_.get());
}

void DnsServer::answer_datagrams() {
  char buffer[4096];
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const ssize_t got = ::recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (got < 0) return;
    const std::string reply = answer_({buffer, static_cast<std::size_t>(got)}, 512);
    if (reply.empty()) continue;
    ::sendto(udp_.get(), reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
  }
}

void DnsServer::accept_connections() {
  for (;;) {
    Descriptor socket(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
      if (is_out_of_files(errno)) pause();
      return;
    }
    if (connections_.size() >= kMaxConnections) continue;
    const int fd = socket.get();
    auto timer = loop_.after(kConnectionIdle, [this, fd] { drop(fd); });
    connections_.emplace(fd, Connection{std::move(socket), {}, timer});
    loop_.watch(fd, EPOLLIN, [this, fd](std::uint32_t) { read_connection(fd); });
  }
}

/// Whoever waits to be accepted keeps the listener ready: it is not watched until descriptors may be free again.
void DnsServer::pause() {
  loop_.change(tcp_.get(), 0);
  resume_ = loop_.after(kAcceptPause, [this] { loop_.change(tcp_.get(), EPOLLIN); });
}

void DnsServer::read_connection(int fd) {
  auto& connection = connections_.at(fd);
  char buffer[4096];
  const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return drop(fd);
  auto& input = connection.input;
  input.append(buffer, static_cast<std::size_t>(got));
  while (input.size() >= 2) {
    const auto length =
        static_cast<std::size_t>((static_cast<unsigned char>(input[0]) << 8) | static_cast<unsigned char>(input[1]));
    if (input.size() < 2 + length) return;
    const std::string reply = answer_(std::string_view(input).substr(2, length), 65535);
    input.erase(0, 2 + length);
    if (reply.empty()) return drop(fd);
    std::string framed{static_cast<char>(reply.size() >> 8), static_cast<char>(reply.size() & 255)};
    framed += reply;
    // A reply fits an empty socket buffer; a client that lets it fill does not deserve more.
    if (::send(fd, framed.data(), framed.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(framed.size())) return drop(fd);
  }
}

void DnsServer::drop(int fd) {
  const auto found = connections_.find(fd);
  if (found == connections_.end()) return;
  loop_.cancel(found->second.timer);
  loop_.unwatch(fd);
  connections_.erase(found);
}

}  // namespace fairlead::node
