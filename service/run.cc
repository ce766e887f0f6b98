#include <csignal>
#include <ctime>

#include <unistd.h>

#include "service/service.h"

namespace fairlead::service {
namespace {

/// Short, as a canary of a service that only services call has its share of new connections alone.
constexpr std::chrono::seconds kConnectionAge{2};

Level read_level(Config& config) {
  const std::string text = config.text("LOG_LEVEL", "info");
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    if (text == to_string(level)) return level;
  }
  config.reject("LOG_LEVEL", "is none of debug, info, warn, error");
  return Level::kInfo;
}

/// Blocks them for every thread that is started from here on.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

/// Serves until a signal, then drains. A second signal skips the delay.
void serve_until_stopped(Service& service, const Settings& settings, const Log& log, const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  service.set_ready(false);
  log.write(Level::kInfo, "draining", {{"signal", signal}});
  const auto delay = settings.drain_delay.count();
  const timespec wait{delay / 1000, (delay % 1000) * 1'000'000};
  sigtimedwait(&signals, nullptr, &wait);
  const bool whole = service.drain();
  log.write(whole ? Level::kInfo : Level::kWarn, whole ? "stopped" : "stopped, and cut requests that took too long");
}

}  // namespace

Settings Settings::read(std::string_view name, Config& config) {
  Settings s;
  s.name = name;
  s.version = config.text("APP_VERSION", s.version);
  s.address = config.text("ADDRESS", s.address);
  s.port = static_cast<std::uint16_t>(config.integer("PORT", s.port, 0, 65535));
  s.admin_port = static_cast<int>(config.integer("ADMIN_PORT", s.admin_port, 0, 65535));
  s.threads = static_cast<unsigned>(config.integer("THREADS", s.threads, 1, 64));
  s.max_connections = static_cast<std::size_t>(config.integer("MAX_CONNECTIONS", 4096, 1, 1'000'000));
  s.max_in_flight = static_cast<std::size_t>(config.integer("MAX_IN_FLIGHT", 512, 1, 1'000'000));
  s.max_body_bytes = static_cast<std::size_t>(config.integer("MAX_BODY_BYTES", 1024 * 1024, 0, 1 << 30));
  s.request_timeout = config.duration("REQUEST_TIMEOUT", s.request_timeout);
  s.drain_delay = config.duration("DRAIN_DELAY", s.drain_delay);
  s.drain_grace = config.duration("DRAIN_GRACE", s.drain_grace);
  s.log_level = read_level(config);
  s.log_requests = config.text("LOG_REQUESTS", s.log_requests);
  if (s.log_requests != "all" && s.log_requests != "errors" && s.log_requests != "none") {
    config.reject("LOG_REQUESTS", "is none of all, errors, none");
  }
  if (!net::is_field_value(s.version) || s.version.empty()) config.reject("APP_VERSION", "cannot stand in a header");
  s.faults = Faults::read(config);
  return s;
}

int run(std::string_view name, const std::function<Handlers(Config& config, Platform& platform)>& assemble) {
  const sigset_t signals = block_stop_signals();
  Config config = Config::from_process();
  const Settings settings = Settings::read(name, config);
  const Log log(STDOUT_FILENO, settings.log_level, settings.name, settings.version);
  MetricRegistry metrics;
  net::HttpClient client({.age = kConnectionAge});
  Platform platform{settings, log, metrics, client};
  Handlers handlers = assemble(config, platform);
  if (const auto checked = config.check(); !checked) {
    log.write(Level::kError, "bad configuration", {{"problem", checked.error().message}});
    return 2;
  }
  auto service = Service::start(settings, std::move(handlers), log, metrics);
  if (!service) {
    log.write(Level::kError, "cannot start", {{"problem", service.error().message}});
    return 1;
  }
  log.write(Level::kInfo, "started", {{"port", (*service)->port()}, {"admin_port", (*service)->admin_port()}});
  if (settings.faults.error_millionths > 0 || settings.faults.latency_millionths > 0) {
    log.write(Level::kWarn, "faults are switched on",
              {{"error_rate", static_cast<double>(settings.faults.error_millionths) / 1e6},
               {"latency_ms", settings.faults.latency.count()}});
  }
  serve_until_stopped(**service, settings, log, signals);
  return 0;
}

}  // namespace fairlead::service
