// What the tests run in containers: a static program that serves what it sees and does what it is asked over HTTP.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace {

bool healthy = true;
bool ready = true;

sockaddr_in address_of(const std::string& ip, int port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, ip.c_str(), &name.sin_addr);
  return name;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "error: " + std::string(std::strerror(errno));
  return {std::istreambuf_iterator<char>(file), {}};
}

/// "ip:port,ip:port": tries all at once; for each "open", "refused", "timeout" or "unreachable".
std::string connect_many(const std::string& list, int milliseconds) {
  std::vector<pollfd> polls;
  std::vector<std::string> results;
  std::istringstream targets(list);
  for (std::string target; std::getline(targets, target, ',');) {
    const auto colon = target.find(':');
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const auto name = address_of(target.substr(0, colon), std::atoi(target.c_str() + colon + 1));
    const int rc = ::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name);
    polls.push_back({fd, POLLOUT, 0});
    results.emplace_back(rc != 0 && errno != EINPROGRESS ? "unreachable" : "timeout");
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  for (bool waiting = true; waiting;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0 || ::poll(polls.data(), polls.size(), static_cast<int>(left)) <= 0) break;
    waiting = false;
    for (std::size_t i = 0; i < polls.size(); ++i) {
      if (polls[i].fd < 0) continue;
      if (polls[i].revents == 0) {
        waiting = true;
        continue;
      }
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(polls[i].fd, SOL_SOCKET, SO_ERROR, &error, &size);
      results[i] = error == 0 ? "open" : error == ECONNREFUSED ? "refused" : "unreachable";
      ::close(polls[i].fd);
      polls[i].fd = -1;
    }
  }
  std::string out;
  for (std::size_t i = 0; i < polls.size(); ++i) {
    if (polls[i].fd >= 0) ::close(polls[i].fd);
    out += (i == 0 ? "" : ",") + results[i];
  }
  return out;
}

std::string http_get(const std::string& ip, int port, const std::string& path) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval limit{2, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto name = address_of(ip, port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    const int error = errno;
    ::close(fd);
    return error == ECONNREFUSED ? "refused" : error == EINPROGRESS ? "timeout" : std::strerror(error);
  }
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  (void)!::write(fd, request.data(), request.size());
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  const auto body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "timeout" : answer.substr(body + 4);
}

/// Asks the server in /etc/resolv.conf for A records: "0 1.2.3.4 …" (rcode first), or "timeout".
std::string resolve(const std::string& name) {
  std::istringstream lines(read_all("/etc/resolv.conf"));
  std::string server;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("nameserver ", 0) == 0) server = line.substr(11);
  }
  std::string query("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  std::istringstream labels(name);
  for (std::string label; std::getline(labels, label, '.');) query += static_cast<char>(label.size()) + label;
  query += std::string("\0\0\1\0\1", 5);
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  const timeval limit{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto to = address_of(server, 53);
  ::sendto(fd, query.data(), query.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  unsigned char reply[1500];
  const ssize_t got = ::recv(fd, reply, sizeof reply, 0);
  ::close(fd);
  if (got < 12) return "timeout";
  std::string out = std::to_string(reply[3] & 15);
  auto at = static_cast<std::size_t>(query.size());
  for (int i = 0; i < reply[7]; ++i) {
    while (reply[at] != 0) at += reply[at] + 1U;
    const unsigned type = reply[at + 2];
    const unsigned length = (reply[at + 9] << 8U) | reply[at + 10];
    const unsigned char* data = reply + at + 11;
    char text[32];
    if (type == 1 && std::snprintf(text, sizeof text, " %d.%d.%d.%d", data[0], data[1], data[2], data[3]) > 0)
      out += text;
    if (type == 5) out += " cname";
    at += 11 + length;
  }
  return out;
}

std::string stat_text(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return "error: " + std::string(std::strerror(errno));
  char text[64];
  std::snprintf(text, sizeof text, "%o %u:%u", info.st_mode & 07777, info.st_uid, info.st_gid);
  return text;
}

std::string status_field(const char* field) {
  std::istringstream lines(read_all("/proc/self/status"));
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(field, 0) == 0) return line.substr(line.find('\t') + 1);
  }
  return {};
}

std::string act(const std::string& path, int& code) {
  const auto slash = path.find('/', 1);
  const std::string verb = path.substr(1, slash - 1);
  const std::string rest = slash == std::string::npos ? "" : path.substr(slash + 1);
  if (verb == "health") code = healthy ? 200 : 500;
  if (verb == "ready") code = ready ? 200 : 503;
  if (verb == "set-health") healthy = rest == "1";
  if (verb == "set-ready") ready = rest == "1";
  if (verb == "name") return std::getenv("HOSTNAME");
  if (verb == "env") return std::getenv(rest.c_str()) == nullptr ? "unset" : std::getenv(rest.c_str());
  if (verb == "id") return std::to_string(::getuid()) + ":" + std::to_string(::getgid());
  if (verb == "read") return read_all("/" + rest);
  if (verb == "stat") return stat_text("/" + rest);
  if (verb == "status") return status_field(rest.c_str());
  if (verb == "write") {
    std::ofstream file("/" + rest);
    file << "written";
    file.close();
    return file ? "ok" : "error: " + std::string(std::strerror(errno));
  }
  if (verb == "connect") return connect_many(rest, 400);
  if (verb == "get") {
    const auto colon = rest.find(':');
    return http_get(rest.substr(0, colon), std::atoi(rest.c_str() + colon + 1), "/name");
  }
  if (verb == "resolve") return resolve(rest);
  if (verb == "say") {
    std::printf("%s\n", rest.c_str());
    std::fflush(stdout);
  }
  if (verb == "flood") {
    for (int i = std::atoi(rest.c_str()); i > 0; --i) std::printf("%d %s\n", i, std::string(90, 'x').c_str());
    std::fflush(stdout);
  }
  if (verb == "pause") std::this_thread::sleep_for(std::chrono::seconds(std::atoi(rest.c_str())));
  if (verb == "exit") std::_Exit(std::atoi(rest.c_str()));
  if (verb == "eat") {
    const auto size = static_cast<std::size_t>(std::atoi(rest.c_str())) << 20;
    // Volatile: an optimiser may drop memory that nobody reads.
    auto* const memory = static_cast<volatile char*>(std::malloc(size));
    for (size_t at = 0; at < size; ++at) memory[at] = 1;
  }
  if (verb == "spin") {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(std::atoi(rest.c_str()));
    while (std::chrono::steady_clock::now() < end) {
    }
  }
  return "ok";
}

void serve_one(int client) {
  char buffer[4096];
  const ssize_t got = ::read(client, buffer, sizeof buffer - 1);
  if (got > 4) {
    const std::string request(buffer, static_cast<std::size_t>(got));
    const auto end = request.find(' ', 4);
    int code = 200;
    const std::string body = act(request.substr(4, end - 4), code);
    const std::string answer = "HTTP/1.1 " + std::to_string(code) +
                               " X\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                               "\r\n\r\n" + body;
    (void)!::write(client, answer.data(), answer.size());
  }
  ::close(client);
}

void serve(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto name = address_of("0.0.0.0", port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 || ::listen(fd, 64) != 0) std::_Exit(98);
  for (;;) {
    const int client = ::accept(fd, nullptr, nullptr);
    if (client >= 0) std::thread(serve_one, client).detach();
  }
}

void on_term(int) {
  const char text[] = "got SIGTERM\n";
  (void)!::write(1, text, sizeof text - 1);
  if (std::getenv("IGNORE_TERM") == nullptr) std::_Exit(0);
}

}  // namespace

/// workload serve PORT…; workload exit CODE [MESSAGE]; workload touch FILE; workload link TO NAME; workload healthy
/// FILE; workload pause SECONDS; workload rights FILE; workload get IP PORT PATH; workload dial IP PORT SERVE_PORT:
/// says how the very first connection went, then serves.
int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  std::signal(SIGTERM, on_term);
  std::signal(SIGPIPE, SIG_IGN);
  if (verb == "exit") {
    std::printf("exiting\n");
    if (argc > 3) std::ofstream("/dev/termination-log") << argv[3];
    return std::atoi(argv[2]);
  }
  if (verb == "touch") return std::ofstream(argv[2]) << "touched" ? 0 : 1;
  if (verb == "link") return ::symlink(argv[2], argv[3]);
  if (verb == "pause") {
    std::this_thread::sleep_for(std::chrono::seconds(std::atoi(argv[2])));
    return 0;
  }
  if (verb == "healthy") return std::ifstream(argv[2]) ? 0 : 1;
  if (verb == "rights") {
    std::ofstream out(argv[2]);
    for (const char* field : {"Uid:", "Gid:", "CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:"})
      out << status_field(field) << " ";
    out << ::getpid() << " " << (::getenv("MARK") == nullptr ? "" : ::getenv("MARK"));
    return 0;
  }
  if (verb == "get") return http_get(argv[2], std::atoi(argv[3]), argv[4]) == "ok" ? 0 : 1;
  if (verb == "dial") {
    std::printf("first: %s\n", connect_many(std::string(argv[2]) + ":" + argv[3], 400).c_str());
    std::fflush(stdout);
    serve(std::atoi(argv[4]));
  }
  if (verb != "serve") return 2;
  std::printf("serving\n");
  std::fprintf(stderr, "to stderr\n");
  std::fflush(stdout);
  for (int i = 3; i < argc; ++i) std::thread(serve, std::atoi(argv[i])).detach();
  serve(std::atoi(argv[2]));
}
