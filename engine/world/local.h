// The local world: a whole cluster on this machine.
#pragma once

#include <string>

#include "base/error.h"
#include "engine/world/host_ports.h"

namespace fairlead::world {

struct LocalOptions {
  std::string state;        ///< Its .fairlead directory.
  std::string environment;  ///< Whose app of apps runs.
  HostPorts ports;
  int ready_fd = -1;  ///< Gets "ready" and a line end once the API server answers. -1: nobody waits.
};

/// Runs until it is told to stop (SIGTERM, SIGINT) and answers with an exit code. Call it before any thread exists: it
/// forks the process that holds everything. An error when the cluster cannot start, with what to change.
[[nodiscard]] Result<int> run_local(const LocalOptions& options);

}  // namespace fairlead::world
