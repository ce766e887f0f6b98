#include <algorithm>
#include <chrono>
#include <thread>

#include "base/json.h"
#include "base/time.h"
#include "engine/cli/cluster.h"
#include "engine/cli/commands.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {
namespace {

constexpr std::chrono::seconds kWatchInterval{1};

/// As JSON each look of a watch is a line.
std::string render(const std::vector<ServiceStatus>& services, const std::vector<ApplicationStatus>& applications,
                   const StatusOptions& options) {
  if (options.output == Output::kText) {
    std::string out = to_text(services);
    for (const ApplicationStatus& application : applications) {
      // A service has said what is wrong with its own.
      if (std::ranges::find(services, application.name, &ServiceStatus::name) == services.end())
        out += to_text(application);
    }
    return out;
  }
  Value all = Value::array();
  for (const ServiceStatus& service : services) all.push_back(to_value(service));
  Value brought = Value::array();
  for (const ApplicationStatus& application : applications) brought.push_back(to_value(application));
  const Value value = Value::object({{"services", std::move(all)}, {"applications", std::move(brought)}});
  return (options.watch ? to_json(value) : to_pretty_json(value)) + "\n";
}

/// What parts one look from the next: the screen is wiped, or the time stands between them.
std::string before(const StatusOptions& options, bool first) {
  if (!options.watch || options.output != Output::kText) return {};
  if (is_terminal()) return "\033[H\033[2J";
  return fmt::format("{}{}\n", first ? "" : "\n",
                     format_time(std::chrono::floor<Duration>(std::chrono::system_clock::now())));
}

}  // namespace

int run_status(const Project& project, const StatusOptions& options) {
  auto cluster = Cluster::open(project);
  if (!cluster) {
    print_error(cluster.error().message);
    return kFailed;
  }
  for (bool first = true;; first = false) {
    const auto services = cluster->services();
    if (!services) {
      print_error(services.error().message);
      return kFailed;
    }
    const auto applications = cluster->applications();
    if (!applications) {
      print_error(applications.error().message);
      return kFailed;
    }
    print(before(options, first) + render(*services, *applications, options));
    if (!options.watch) return kOk;
    std::this_thread::sleep_for(kWatchInterval);
  }
}

}  // namespace fairlead::cli
