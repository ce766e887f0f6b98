// The API server: what kubectl, Prometheus and pods talk to.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/api/api.h"
#include "engine/api/pki.h"
#include "engine/api/token.h"
#include "engine/seam/executor.h"
#include "engine/seam/node.h"

namespace fairlead::api {

inline constexpr std::size_t kMaxBody = 3 * 1024 * 1024;  ///< Of a request. Source: etcd's limit, as upstream.
/// Of a request that shows neither a client certificate nor a token that was signed here: more is not read at all.
inline constexpr std::size_t kMaxStrangersBody = 16 * 1024;
inline constexpr int kMaxWatchesPerUser = 1000;
inline constexpr std::size_t kMaxUnsent = 64 * 1024 * 1024;  ///< Of one answer, before a slow reader is cut off.

/// Where to listen. A descriptor that listens already takes the place of address and port.
struct ApiListener {
  std::string address = "127.0.0.1";
  std::uint16_t port = 6443;  ///< 0: the kernel chooses.
  int fd = -1;
};

/// What the server works on. All of it outlives the server.
struct ServerParts {
  Api& api;
  seam::Executor& control;
  std::vector<seam::Node*> nodes{};              ///< For logs and usage; found by Node::name().
  const ServiceAccountTokens* tokens = nullptr;  ///< Null: tokens are neither given nor accepted.
};

struct ServerOptions {
  std::vector<ApiListener> listeners = {{}};
  Pki pki;
  unsigned wire_threads = 2;  ///< Per listener: TLS and HTTP.
  unsigned encoders = 1;      ///< Threads that encode lists and follow watches.
  std::string git_version = "v1.36.0+fairlead";
};

/// Started and destroyed on the control thread, or while it is not running. Handlers run there; TLS, HTTP, reading
/// bodies and encoding lists happen on threads of its own. An answer is given once what it tells of is durable.
class Server {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerParts parts, const ServerOptions& options);
  /// Cuts what is open.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const;
  /// Lets running requests end, ends watches, and waits at most `grace` for each listener. Not on the control thread.
  void drain(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::api
