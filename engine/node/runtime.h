// The OCI runtime, crun, driven from the node's loop.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/node/container_spec.h"
#include "engine/node/process.h"

namespace fairlead::node {

/// A running container, for whoever runs something in it.
struct ExecTarget {
  std::string id;
  pid_t pid = 0;
  std::vector<std::string> environment;  ///< "NAME=value"
  ContainerUser user;
};

class Runtime {
 public:
  /// `root` is where crun keeps its state: a directory on a tmpfs.
  Runtime(Loop& loop, Reaper& reaper, std::string root) : loop_(loop), reaper_(reaper), root_(std::move(root)) {}

  /// Creates and starts the container that `bundle`/config.json describes, with these descriptors as stdout and stderr.
  /// `started` gets its process id, or why not in crun's words; `ended` comes once, only after a good start.
  void start(const std::string& id, const std::string& bundle, int output, int errors,
             const std::function<void(Result<pid_t>)>& started, std::function<void(Exit)> ended);
  /// Runs a command inside, with the container's own user, environment and directory.
  void exec(const ExecTarget& target, const std::vector<std::string>& argv, Duration timeout,
            std::function<void(Outcome)> done);
  /// Forgets an ended container.
  void remove(const std::string& id);

 private:
  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> rest) const;

  Loop& loop_;
  Reaper& reaper_;
  std::string root_;
};

}  // namespace fairlead::node
