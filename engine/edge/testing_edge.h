// What the edge's tests need around it: an nginx of their own on loopback, backends to forward to, and a client.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "base/testing_folder.h"
#include "base/time.h"
#include "engine/edge/edge_files.h"
#include "engine/seam/executor.h"
#include "engine/seam/network.h"

namespace fairlead::edge::testing {

/// A port of loopback that nobody uses at this moment.
[[nodiscard]] std::uint16_t free_port();

/// A file descriptor that closes itself.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// A connection to a port of loopback, from an address of loopback; not open when nobody listens there.
[[nodiscard]] Socket connect_to(std::uint16_t port, const std::string& from = "127.0.0.1");
/// False when the connection ends first.
bool send_all(int fd, std::string_view bytes);
/// Appends what arrives; false at the end of the connection.
bool receive(int fd, std::string& buffer);
/// Takes one message off `buffer`, reading as needed; false when the connection ends first.
bool take_message(int fd, std::string& buffer, std::string& head, std::string& body);

/// Serves each connection on a thread of its own, and closes it at its own end. What it serves them with must end when
/// its connection does.
class LoopbackServer {
 public:
  explicit LoopbackServer(std::function<void(int fd)> serve);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  [[nodiscard]] seam::Endpoint endpoint() const { return {"127.0.0.1", port_}; }

 private:
  void accept_all();

  std::function<void(int fd)> serve_;
  Socket listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::jthread> connections_;
  std::jthread thread_;
};

/// Answers every request with 200 and its own name and keeps connections alive, or, with `crashes`, reads each request
/// and closes its connection.
class Backend {
 public:
  explicit Backend(std::string name, bool crashes = false);
  [[nodiscard]] seam::Endpoint endpoint() const { return server_.endpoint(); }
  [[nodiscard]] int hits() const { return hits_; }

 private:
  void serve(int fd);

  std::string name_;
  bool crashes_;
  std::atomic<int> hits_{0};
  LoopbackServer server_;  ///< Last: its threads use everything above.
};

/// Takes connections and says nothing.
class SilentBackend {
 public:
  SilentBackend();
  [[nodiscard]] seam::Endpoint endpoint() const { return {"127.0.0.1", port_}; }

 private:
  Socket listener_;
  std::uint16_t port_ = 0;
};

struct Answer {
  int code = 0;  ///< 0: the connection broke before an answer was complete.
  std::string head;
  std::string body;
};

/// Keeps its connection while the server does, and never repeats a request by itself. `from` is the address of loopback
/// that it asks from.
class Client {
 public:
  explicit Client(std::uint16_t port, std::string from = "127.0.0.1") : port_(port), from_(std::move(from)) {}
  /// `head` holds further header lines, each ended by \r\n.
  Answer get(const std::string& target, const std::string& host = "shop.example", const std::string& head = {});
  Answer send(const std::string& method, const std::string& target, const std::string& host, const std::string& head,
              const std::string& body);

 private:
  std::uint16_t port_;
  std::string from_;
  Socket socket_;
  std::string buffer_;
};

/// An ordinary nginx with the edge's configuration, in a folder of its own, stopped at the end.
class EdgeProcess {
 public:
  /// Takes of `settings` what is not a matter of its own place: folders, addresses it listens on, ports and user.
  explicit EdgeProcess(EdgeSettings settings = {.node_address = "127.0.0.1"});
  ~EdgeProcess();
  /// Empty when nginx and its modules are there, else what is missing and how to get it.
  [[nodiscard]] static std::string missing();
  [[nodiscard]] const EdgeSettings& settings() const { return settings_; }
  /// Everything it has written so far.
  [[nodiscard]] std::string log() const;
  /// Kills it as a crash does, and starts it anew.
  void restart();

 private:
  void start();
  void stop(int signal);

  const TemporaryFolder temporary_{"edge"};
  const std::filesystem::path folder_ = temporary_.path();
  EdgeSettings settings_;
  pid_t pid_ = -1;
};

/// Collects what is posted; the test runs it.
class QueueExecutor final : public seam::Executor {
 public:
  void post(std::move_only_function<void()> task) override;
  /// Runs tasks until `finished` says so; false when it did not within `limit` of real time.
  bool run_until(const std::function<bool()>& finished, Duration limit = std::chrono::seconds(15));

 private:
  std::mutex mutex_;
  std::condition_variable_any posted_;
  std::vector<std::move_only_function<void()>> tasks_;
};

}  // namespace fairlead::edge::testing
