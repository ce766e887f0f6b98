#include "engine/cli/commands.h"
#include "engine/cli/daemon.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {
namespace {

constexpr std::chrono::seconds kPatience{40};

}  // namespace

int run_down(const Project& project) {
  Progress progress("stop the cluster");
  const auto stopped = stop_daemon(project, kPatience);
  if (!stopped) {
    progress.failed();
    print_error(stopped.error().message);
    return kFailed;
  }
  progress.done(*stopped ? "" : "none was running");
  return kOk;
}

}  // namespace fairlead::cli
