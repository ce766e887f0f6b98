// Standing inside a running container without the runtime's help: crun 1.8 runs commands as uid 0 whatever the
// container's user, without its no_new_privs, and enters no container that has no uid 0 (an ordinary user's).
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"
#include "engine/node/container_spec.h"

namespace fairlead::node {

/// What a process takes on to be like the container's first: its namespaces, directory, user, capabilities,
/// no_new_privs and seccomp filter. Made by the node, used in a child of it.
class ContainerEntry {
 public:
  /// `pid` is the container's first process, `user` whom the container was started as.
  [[nodiscard]] static Result<ContainerEntry> open(pid_t pid, const ContainerUser& user);

  /// For a child of fork, where nothing but system calls is safe: goes in, executes the first of `programs` that is
  /// there, waits for its end and ends the same way. `programs` is what `candidates` gave before the fork.
  [[noreturn]] void execute(const std::vector<std::string>& programs, char* const* argv,
                            char* const* environment) const;

  /// The paths that `name` can mean, by the PATH of that environment.
  [[nodiscard]] static std::vector<std::string> candidates(const std::string& name,
                                                           const std::vector<std::string>& environment);

 private:
  [[nodiscard]] bool go_in() const;
  [[nodiscard]] bool lay_down_rights() const;
  [[nodiscard]] bool become_user() const;

  std::vector<Descriptor> namespaces_;  ///< In the order of joining.
  bool nested_ = false;                 ///< The container has a user namespace of its own, with one user in it.
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  std::vector<gid_t> groups_;
  Descriptor directory_;
  unsigned long long bounding_ = 0;  ///< Capabilities, a bit each.
  bool no_new_privileges_ = false;
  const std::vector<sock_filter>* filter_ = nullptr;
};

}  // namespace fairlead::node
