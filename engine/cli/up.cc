#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "engine/cli/cluster.h"
#include "engine/cli/commands.h"
#include "engine/cli/daemon.h"
#include "engine/cli/exit_code.h"
#include "engine/cli/interrupt.h"
#include "engine/cli/release.h"
#include "engine/cli/terminal.h"
#include "engine/node/machine.h"
#include "engine/world/local.h"

namespace fairlead::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookInterval{200};
/// A log longer than this is set aside, in the place of the one before, when a cluster starts.
constexpr std::uintmax_t kMaxLogBytes = 8U << 20U;

/// The first thing that this machine lacks, as a sentence; empty when it can run a cluster.
std::string missing_here() {
  for (const node::MachineCheck& check : node::check_machine()) {
    if (!check.ok && check.required) return fmt::format("{}: {}. {}", check.name, check.detail, check.advice);
  }
  return {};
}

world::LocalOptions local_options(const Project& project, const world::HostPorts& ports, int ready_fd) {
  world::LocalOptions options;
  options.state = project.state();
  options.environment = project.environment;
  options.ready_fd = ready_fd;
  options.ports = ports;
  return options;
}

/// Sends what the daemon says to its log file.
Result<> redirect_to_log(const Project& project) {
  std::error_code error;
  std::filesystem::create_directories(project.log(), error);
  const std::string path = project.log() + "/fairlead.log";
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > kMaxLogBytes) std::filesystem::rename(path, path + ".1", error);
  const int log = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (log < 0 || null < 0) return fail("cannot write {}: {}", path, std::strerror(errno));
  ::dup2(null, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  return {};
}

int run_cluster(const Project& project, const world::HostPorts& ports, int ready_fd) {
  const world::LocalOptions options = local_options(project, ports, ready_fd);
  const auto code = world::run_local(options);
  if (code) return *code;
  const std::string line = "error: " + code.error().to_string() + "\n";
  print_error(code.error().to_string());
  if (ready_fd >= 0) [[maybe_unused]]
    const auto written = ::write(ready_fd, line.data(), line.size());
  return kFailed;
}

/// Reads what the daemon says until it is ready. An error when it is not going to be.
Result<> wait_until_ready(int fd) {
  std::string said;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR && !interrupted()) continue;
    if (n <= 0) break;
    said.append(buffer.data(), static_cast<std::size_t>(n));
    if (said.find("ready\n") != std::string::npos) return {};
  }
  if (interrupted()) return fail("interrupted");
  const std::size_t error = said.find("error: ");
  if (error == std::string::npos) return fail("the cluster ended before it was ready: see .fairlead/log/fairlead.log");
  return fail("{}", said.substr(error + 7, said.find('\n', error) - error - 7));
}

/// Forks the process that runs the cluster; it takes the lock with it.
Result<> start_daemon(const Project& project, const world::HostPorts& ports, const DaemonLock& lock) {
  Progress progress("start the control plane");
  std::array<int, 2> ready{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0) return fail("cannot make a pipe: {}", std::strerror(errno));
  const pid_t child = ::fork();
  if (child < 0) return fail("cannot fork: {}", std::strerror(errno));
  if (child == 0) {
    ::close(ready[0]);
    ::setsid();
    if (auto redirected = redirect_to_log(project); !redirected) ::_exit(kFailed);
    lock.own();
    ::_exit(run_cluster(project, ports, ready[1]));
  }
  ::close(ready[1]);
  auto result = wait_until_ready(ready[0]);
  ::close(ready[0]);
  if (!result) {
    // One that has ended by itself is none the worse for it.
    ::kill(child, SIGTERM);
    ::waitpid(child, nullptr, 0);
    return result;
  }
  progress.done();
  return {};
}

struct Delivered {
  std::size_t healthy = 0;
  std::size_t all = 0;
  std::vector<std::string> standing;  ///< Services that serve, but not the wanted version.
  std::string waiting_for;

  /// The app of apps alone is healthy before it has brought the others.
  [[nodiscard]] bool complete() const { return all > 1 && healthy + standing.size() == all; }
  [[nodiscard]] std::string summary() const {
    std::string out = fmt::format("{} Synced and Healthy", healthy);
    for (const std::string& service : standing) out += ", " + service;
    return out;
  }
};

Result<Delivered> delivered(Cluster& cluster) {
  const auto applications = cluster.applications();
  if (!applications) return std::unexpected(applications.error());
  const auto services = cluster.services();
  if (!services) return std::unexpected(services.error());
  Delivered out;
  for (const ApplicationStatus& application : *applications) {
    ++out.all;
    const auto service = std::ranges::find(*services, application.name, &ServiceStatus::name);
    const bool ready = service == services->end() || all_ready(*service);
    if (application.well() && ready) {
      ++out.healthy;
    } else if (application.sync == "Synced" && service != services->end() && !standing(*service).empty()) {
      out.standing.push_back(fmt::format("{} is {}", application.name, standing(*service)));
    } else {
      out.waiting_for = fmt::format("{}: {} {}", application.name, application.sync, application.health);
      if (!application.problems.empty()) out.waiting_for += ": " + application.problems.front();
    }
  }
  return out;
}

/// Waits for every Application. False when time ran out or at Ctrl-C; what is missing has been said.
Result<bool> wait_for_applications(Cluster& cluster, Duration timeout) {
  Progress progress("sync the Applications");
  Delivered now;
  for (const auto deadline = SteadyClock::now() + timeout; SteadyClock::now() < deadline && !interrupted();
       std::this_thread::sleep_for(kLookInterval)) {
    auto looked = delivered(cluster);
    if (!looked) return std::unexpected(looked.error());
    now = std::move(*looked);
    if (now.complete() && !cluster.reachable())
      now.waiting_for = "the edge and Prometheus";
    else if (now.complete()) {
      progress.done(now.summary());
      return true;
    }
    progress.detail(fmt::format("{}/{}  {}", now.healthy, now.all, now.waiting_for));
  }
  progress.failed(now.waiting_for);
  return false;
}

std::string where_to_look(const Project& project, Cluster& cluster, const world::HostPorts& ports) {
  Table table({"WHAT", "WHERE"});
  if (const std::string host = cluster.shop_host(); !host.empty())
    table.add({"shop", fmt::format("curl -H 'Host: {}' http://127.0.0.1:{}/", host, ports.edge)});
  table.add({"kubectl", fmt::format("export KUBECONFIG={}", project.kubeconfig())});
  table.add({"Prometheus", fmt::format("http://127.0.0.1:{}", ports.prometheus)});
  table.add(
      {"delivery repository", fmt::format("git clone {} (a push to its main is deployed)", project.repository())});
  table.add({"log", project.log() + "/fairlead.log"});
  return table.to_string();
}

/// As it was asked for, else as last time.
Result<world::HostPorts> ports_of(const Project& project, const UpOptions& options) {
  auto ports = world::recorded_ports(project.state());
  if (!ports) return ports;
  ports->api = options.api_port.value_or(ports->api);
  ports->edge = options.edge_port.value_or(ports->edge);
  ports->prometheus = options.prometheus_port.value_or(ports->prometheus);
  return ports;
}

}  // namespace

int run_up(const Project& project, const UpOptions& options) {
  const auto failed = [](const Error& why) {
    print_error(interrupted() ? "interrupted: nothing runs, and what was built stays for the next `fairlead up`"
                              : why.to_string());
    return interrupted() ? kInterrupted : kFailed;
  };
  auto lock = DaemonLock::take(project);
  if (!lock) return failed(lock.error());
  if (const std::string missing = missing_here(); !missing.empty()) {
    print_error(missing);
    return kUnable;
  }
  const auto ports = ports_of(project, options);
  if (!ports) return failed(ports.error());
  if (ports->api == ports->edge || ports->api == ports->prometheus || ports->edge == ports->prometheus) {
    print_error(
        fmt::format("the API server, the edge and Prometheus need a port each, and were to get {}, {} and {}: choose "
                    "with --api-port, --edge-port and --prometheus-port",
                    ports->api, ports->edge, ports->prometheus));
    return kUsage;
  }
  catch_interrupts();
  const auto delivery = prepare_delivery(project);
  if (!delivery) return failed(delivery.error());
  if (interrupted()) return failed(Error{"interrupted"});
  if (options.foreground) {
    lock->own();
    return run_cluster(project, *ports, -1);
  }
  if (auto started = start_daemon(project, *ports, *lock); !started) return failed(started.error());
  auto cluster = Cluster::open(project);
  if (!cluster) {
    print_error(cluster.error().message);
    return kFailed;
  }
  bool complete = true;
  if (options.wait) {
    auto waited = wait_for_applications(*cluster, options.timeout);
    if (!waited) print_error(waited.error().message);
    complete = waited && *waited;
  }
  if (interrupted()) {
    print_error("interrupted: the cluster runs on; see `fairlead status --watch`, or stop it with `fairlead down`");
    return kInterrupted;
  }
  if (auto services = cluster->services()) print("\n" + to_text(*services) + "\n");
  print(where_to_look(project, *cluster, *ports));
  if (!complete) print_error("not everything is healthy yet: see `fairlead status` and `fairlead logs <service>`");
  return complete ? kOk : kFailed;
}

}  // namespace fairlead::cli
