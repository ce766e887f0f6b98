#include <chrono>
#include <thread>

#include "base/json.h"
#include "engine/cli/cluster.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {
namespace {

constexpr std::chrono::seconds kWatchInterval{1};

std::string render(const std::vector<ServiceStatus>& services, Output output) {
  if (output == Output::kText) return to_text(services);
  Value all = Value::array();
  for (const ServiceStatus& service : services) all.push_back(to_value(service));
  return to_pretty_json(Value::object({{"services", std::move(all)}})) + "\n";
}

}  // namespace

int run_status(const Project& project, const StatusOptions& options) {
  auto cluster = Cluster::open(project);
  if (!cluster) {
    print_error(cluster.error().message);
    return kFailed;
  }
  for (;;) {
    const auto services = cluster->services();
    if (!services) {
      print_error(services.error().message);
      return kFailed;
    }
    const bool redraw = options.watch && is_terminal() && options.output == Output::kText;
    print((redraw ? "\033[H\033[2J" : "") + render(*services, options.output));
    if (!options.watch) return kOk;
    std::this_thread::sleep_for(kWatchInterval);
  }
}

}  // namespace fairlead::cli
