// For tests: the other end of a connection, byte by byte and blocking.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace fairlead::net::testing {

/// A plain TCP connection to 127.0.0.1. Every wait ends after ten seconds at the latest.
class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, static_cast<socklen_t>(sizeof(receive_buffer)));
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawPeer() { close(); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// Everything received so far and until `text` stands in it, or the other side closes.
  std::string read_until(std::string_view text) {
    while (received_.find(text) == std::string::npos && read_more()) {
    }
    return received_;
  }
  /// Everything until the other side closes.
  std::string read_all() {
    while (read_more()) {
    }
    return received_;
  }
  void forget() { received_.clear(); }
  /// True when the connection ended, however; false after ten seconds of nothing.
  bool wait_closed() {
    read_all();
    return ended_;
  }

 private:
  bool read_more() {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) <= 0) return false;
    char buffer[16 * 1024];
    const auto got = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    received_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string received_;
};

}  // namespace fairlead::net::testing
