// The two processes of a running Fairlead: outside, in the host's namespaces; inside, PID 1 of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "base/descriptor.h"
#include "base/error.h"

namespace fairlead::node {

/// What the process inside may ask of the one outside. Thread-safe; a call waits for its answer (well under 1 ms).
class Outside {
 public:
  explicit Outside(Descriptor socket) : socket_(std::move(socket)) {}

  /// A listening TCP socket on 127.0.0.1:`port` of the host, non-blocking. Fails with who holds the port, where that
  /// can be found; not when asked `again`, since finding it reads all of /proc.
  [[nodiscard]] Result<Descriptor> listen(std::uint16_t port, bool again = false);
  /// Anything else that `EnclosureOptions::answer` understands.
  [[nodiscard]] Result<Descriptor> ask(const std::string& request);

 private:
  std::mutex mutex_;
  Descriptor socket_;
};

/// Where the code inside stands.
struct Inside {
  Outside& outside;
  bool privileged = false;  ///< Started by root: every uid of the host is mapped. Otherwise one uid, as 0.
  /// Readable once the process outside was told to stop (SIGINT, SIGTERM, SIGHUP); a second signal kills.
  int stop_descriptor = -1;
};

struct EnclosureOptions {
  /// Runs in the process outside, for requests other than `listen`: a descriptor to pass inward (may be empty).
  std::function<Result<Descriptor>(const std::string& request)> answer;
};

/// Forks. `inside` runs as PID 1 of a user, mount, PID, network, IPC and UTS namespace of its own: root there, /proc
/// its own, a tmpfs over /sys/fs/cgroup, loopback up, IPv4 forwarding on, umask 022; it dies with the process outside,
/// and everything in it with it. Returns in the process outside, with what `inside` returned (128 + signal when
/// killed). Call it before any thread exists: SIGCHLD is blocked for all of them. What the machine does not allow is an
/// error that says what to change.
[[nodiscard]] Result<int> enter(const EnclosureOptions& options, const std::function<int(Inside&)>& inside);

/// Who listens on a TCP port of the host: "nginx (pid 812)", or empty when that cannot be seen.
[[nodiscard]] std::string port_holder(std::uint16_t port);

}  // namespace fairlead::node
