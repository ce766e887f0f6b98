#include "engine/edge/testing_edge.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <fstream>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/edge/admin_client.h"

namespace fairlead::edge::testing {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// A listening socket on `port`, and the port it got.
std::pair<Socket, std::uint16_t> listen_on(std::uint16_t port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = loopback(port);
  FAIRLEAD_ASSERT(::bind(socket.fd(), generic(address), sizeof(address)) == 0);
  FAIRLEAD_ASSERT(::listen(socket.fd(), 512) == 0);
  socklen_t size = sizeof(address);
  ::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size);
  return {std::move(socket), ntohs(address.sin_port)};
}

std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const std::size_t at = head.find(kName);
  std::size_t length = 0;
  if (at != std::string_view::npos) std::from_chars(head.data() + at + kName.size(), head.data() + head.size(), length);
  return length;
}

}  // namespace

std::uint16_t free_port() { return listen_on(0).second; }

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket connect_to(std::uint16_t port, const std::string& from) {
  Socket out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(out.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in own = loopback(0);
  FAIRLEAD_ASSERT(::inet_pton(AF_INET, from.c_str(), &own.sin_addr) == 1);
  FAIRLEAD_ASSERT(::bind(out.fd(), generic(own), sizeof(own)) == 0);
  const sockaddr_in address = loopback(port);
  return ::connect(out.fd(), generic(address), sizeof(address)) == 0 ? std::move(out) : Socket();
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive(int fd, std::string& buffer) {
  std::array<char, 16384> chunk{};
  const ssize_t got = ::recv(fd, chunk.data(), chunk.size(), 0);
  if (got <= 0) return false;
  buffer.append(chunk.data(), static_cast<std::size_t>(got));
  return true;
}

bool take_message(int fd, std::string& buffer, std::string& head, std::string& body) {
  std::size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!receive(fd, buffer)) return false;
  }
  head = buffer.substr(0, end + 2);
  const std::size_t length = content_length(head);
  while (buffer.size() < end + 4 + length) {
    if (!receive(fd, buffer)) return false;
  }
  body = buffer.substr(end + 4, length);
  buffer.erase(0, end + 4 + length);
  return true;
}

LoopbackServer::LoopbackServer(std::function<void(int fd)> serve) : serve_(std::move(serve)) {
  std::tie(listener_, port_) = listen_on(0);
  thread_ = std::jthread([this] { accept_all(); });
}

LoopbackServer::~LoopbackServer() {
  ::shutdown(listener_.fd(), SHUT_RDWR);
  thread_.join();
  for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  connections_.clear();
  for (const int fd : open_) ::close(fd);
}

void LoopbackServer::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    connections_.emplace_back([this, fd] {
      serve_(fd);
      ::shutdown(fd, SHUT_RDWR);  // Closed with the server: nobody else may get this number meanwhile.
    });
  }
}

Backend::Backend(std::string name, bool crashes)
    : name_(std::move(name)), crashes_(crashes), server_([this](int fd) { serve(fd); }) {}

void Backend::serve(int fd) {
  std::string buffer;
  std::string head;
  std::string body;
  while (take_message(fd, buffer, head, body)) {
    ++hits_;
    if (crashes_) break;
    if (!send_all(fd, fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", name_.size(), name_))) break;
  }
}

SilentBackend::SilentBackend() { std::tie(listener_, port_) = listen_on(0); }

Answer Client::get(const std::string& target, const std::string& host, const std::string& head) {
  return send("GET", target, host, head, {});
}

Answer Client::send(const std::string& method, const std::string& target, const std::string& host,
                    const std::string& head, const std::string& body) {
  if (!socket_.open()) {
    socket_ = connect_to(port_, from_);
    if (!socket_.open()) return {};
  }
  const std::string length = body.empty() ? "" : fmt::format("Content-Length: {}\r\n", body.size());
  const std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: test\r\nAccept: */*\r\n{}{}\r\n{}",
                                          method, target, host, head, length, body);
  Answer answer;
  if (!send_all(socket_.fd(), request) || !take_message(socket_.fd(), buffer_, answer.head, answer.body)) {
    socket_ = Socket();
    buffer_.clear();
    return {};
  }
  std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.code);
  if (answer.head.find("Connection: close") != std::string::npos) {
    socket_ = Socket();
    buffer_.clear();
  }
  return answer;
}

std::string EdgeProcess::missing() {
  for (const char* file : {"/usr/sbin/nginx", "/usr/lib/nginx/modules/ngx_http_lua_module.so",
                           "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so", "/usr/share/lua/5.1/resty/core.lua",
                           "/usr/share/modsecurity-crs/rules/REQUEST-949-BLOCKING-EVALUATION.conf"}) {
    if (!std::filesystem::exists(file)) {
      return fmt::format(
          "{} is missing: apt install nginx libnginx-mod-http-lua libnginx-mod-http-modsecurity modsecurity-crs", file);
    }
  }
  return {};
}

EdgeProcess::EdgeProcess(EdgeSettings settings) : settings_(std::move(settings)) {
  settings_.config_dir = settings_.state_dir = folder_;
  settings_.address = "127.0.0.1";
  settings_.admin_port = free_port();
  settings_.metrics_port = free_port();
  if (::geteuid() == 0) settings_.user = "root root";
  for (const auto& [file, content] : edge_files(settings_)) std::ofstream(folder_ / file) << content;
  start();
}

EdgeProcess::~EdgeProcess() { stop(SIGTERM); }

void EdgeProcess::start() {
  const std::string config = (folder_ / "nginx.conf").string();
  const std::string log = (folder_ / "log").string();
  pid_ = ::fork();
  FAIRLEAD_ASSERT(pid_ >= 0);
  if (pid_ == 0) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execl("/usr/sbin/nginx", "nginx", "-e", "stderr", "-p", folder_.c_str(), "-c", config.c_str(), nullptr);
    ::_exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!ask_admin("127.0.0.1", settings_.admin_port, "GET", "/state", {}, std::chrono::seconds(1))) {
    FAIRLEAD_ASSERT(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void EdgeProcess::stop(int signal) {
  ::kill(pid_, signal);
  ::waitpid(pid_, nullptr, 0);
}

void EdgeProcess::restart() {
  stop(SIGTERM);
  start();
}

std::string EdgeProcess::log() const {
  std::ostringstream out;
  out << std::ifstream(folder_ / "log").rdbuf();
  return out.str();
}

void QueueExecutor::post(std::move_only_function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  posted_.notify_one();
}

bool QueueExecutor::run_until(const std::function<bool()>& finished, Duration limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!finished()) {
    std::vector<std::move_only_function<void()>> tasks;
    {
      std::unique_lock lock(mutex_);
      if (!posted_.wait_until(lock, deadline, [&] { return !tasks_.empty(); })) return finished();
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
  }
  return true;
}

}  // namespace fairlead::edge::testing
