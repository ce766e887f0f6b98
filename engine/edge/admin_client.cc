#include "engine/edge/admin_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace fairlead::edge {
namespace {

using Clock = std::chrono::steady_clock;

/// A connection whose every step ends by the deadline.
class Connection {
 public:
  Connection(std::string peer, Clock::time_point deadline) : peer_(std::move(peer)), deadline_(deadline) {}
  ~Connection() {
    if (socket_ >= 0) ::close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<> open(const sockaddr_in& address) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return broken("socket");
    // The sockets API takes every kind of address through this one type.
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket_, generic, sizeof(address)) == 0) return {};
    if (errno != EINPROGRESS) return broken("connect");
    if (auto ready = wait(POLLOUT); !ready) return ready;
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0 ? Result<>() : broken("connect");
  }

  Result<> write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno != EAGAIN && errno != EINTR) {
        return broken("send");
      } else if (auto ready = wait(POLLOUT); !ready) {
        return ready;
      }
    }
    return {};
  }

  Result<std::string> read_to_end() {
    std::string out;
    std::array<char, 16384> buffer{};
    for (;;) {
      const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (got == 0) return out;
      if (got > 0) {
        out.append(buffer.data(), static_cast<std::size_t>(got));
        if (out.size() > kMaxAdminAnswer) return fail("{}: the answer is too long", peer_);
      } else if (errno != EAGAIN && errno != EINTR) {
        return std::unexpected(broken("receive").error());
      } else if (auto ready = wait(POLLIN); !ready) {
        return std::unexpected(ready.error());
      }
    }
  }

 private:
  [[nodiscard]] Result<> broken(std::string_view step) const {
    return fail("{}: cannot {}: {}", peer_, step, std::generic_category().message(errno));
  }

  Result<> wait(short event) {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
      pollfd entry{socket_, event, 0};
      const int ready = left.count() <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(left.count()));
      if (ready > 0) return {};
      if (ready == 0) return fail("{}: no answer in time", peer_);
      if (errno != EINTR) return broken("poll");
    }
  }

  std::string peer_;
  Clock::time_point deadline_;
  int socket_ = -1;
};

Result<AdminAnswer> read_answer(std::string_view text, std::string_view peer) {
  constexpr std::string_view kStart = "HTTP/1.1 ";
  const std::size_t body = text.find("\r\n\r\n");
  AdminAnswer answer;
  if (!text.starts_with(kStart) || body == std::string_view::npos) return fail("{}: not an HTTP answer", peer);
  const char* digits = text.data() + kStart.size();
  std::from_chars(digits, digits + 3, answer.code);
  answer.body = text.substr(body + 4);
  return answer;
}

}  // namespace

Result<AdminAnswer> ask_admin(const std::string& ip, std::uint16_t port, std::string_view method, std::string_view path,
                              std::string_view body, Duration limit) {
  const std::string peer = fmt::format("edge at {}:{}", ip, port);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) return fail("{}: not an IPv4 address", peer);
  Connection connection(peer, Clock::now() + limit);
  // HTTP/1.0, so that the answer ends with the connection and is never chunked.
  const std::string head =
      fmt::format("{} {} HTTP/1.0\r\nHost: edge\r\nContent-Length: {}\r\n\r\n", method, path, body.size());
  Result<> sent = connection.open(address);
  if (sent) sent = connection.write(head);
  if (sent) sent = connection.write(body);
  if (!sent) return std::unexpected(std::move(sent.error()));
  Result<std::string> text = connection.read_to_end();
  if (!text) return std::unexpected(std::move(text.error()));
  return read_answer(*text, peer);
}

}  // namespace fairlead::edge
