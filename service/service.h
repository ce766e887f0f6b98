// The paved road: what every microservice gets without asking. Routes, health, metrics, logs, limits, faults, drain.
//
//   int main() { return fairlead::service::run("catalog", [](Config&, Platform&) { return handlers; }); }
//
// Settings, all from the environment or CONFIG_FILE (see config.h), with their defaults:
//   ADDRESS=0.0.0.0  PORT=8080          where to listen; /livez and /readyz are answered here
//   ADMIN_PORT=0                        0: /metrics is on PORT. Otherwise it is on this port alone, beside /livez and
//                                       /readyz, served by a thread of its own
//   THREADS=2  MAX_CONNECTIONS=4096  MAX_IN_FLIGHT=512  MAX_BODY_BYTES=1048576
//   REQUEST_TIMEOUT=10s                 the longest that a request may take; callers may ask for less
//   DRAIN_DELAY=2s  DRAIN_GRACE=20s     SIGTERM: not ready for so long, then running requests get so long
//   LOG_LEVEL=info  LOG_REQUESTS=all    debug|info|warn|error, all|errors|none
//   APP_VERSION                         what answers say in X-App-Version
//   FAULT_*                             see fault.h
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "service/config.h"
#include "service/fault.h"
#include "service/handler.h"
#include "service/log.h"
#include "service/metrics.h"

namespace fairlead::service {

class DelayQueue;

inline constexpr std::string_view kVersionHeader = "x-app-version";

struct Settings {
  std::string name{};
  std::string version = "dev";
  std::string address = "0.0.0.0";
  std::uint16_t port = 8080;
  int admin_port = 0;  ///< -1: any free one, for tests.
  unsigned threads = 2;
  std::size_t max_connections = 4096;
  std::size_t max_in_flight = 512;  ///< Over it: 503 with Retry-After.
  std::size_t max_body_bytes = 1024 * 1024;
  std::chrono::milliseconds request_timeout{10'000};
  std::chrono::milliseconds drain_delay{2'000};
  std::chrono::milliseconds drain_grace{20'000};
  Level log_level = Level::kInfo;
  std::string log_requests = "all";
  Faults::Settings faults{};

  [[nodiscard]] static Settings read(std::string_view name, Config& config);
};

class Service {
 public:
  /// `log` and `metrics` outlive the service and everything that answers its calls.
  [[nodiscard]] static Result<std::unique_ptr<Service>> start(Settings settings, Handlers handlers, const Log& log,
                                                              MetricRegistry& metrics);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint16_t admin_port() const;
  /// What /readyz says.
  void set_ready(bool ready);
  /// Ends running requests; false when some had to be cut. `set_ready(false)` comes first, by DRAIN_DELAY.
  bool drain();

 private:
  struct State;
  struct Surface;
  explicit Service(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
  std::unique_ptr<DelayQueue> delays_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<net::HttpServer> admin_;
};

/// What handlers may use; outlives them.
struct Platform {
  const Settings& settings;
  const Log& log;
  MetricRegistry& metrics;
  net::HttpClient& client;
};

/// A whole process: reads the settings, starts, waits for SIGTERM or SIGINT, drains. Returns the exit code: 0 after a
/// drain, 2 for bad settings, 1 when it cannot listen.
int run(std::string_view name, const std::function<Handlers(Config& config, Platform& platform)>& assemble);

}  // namespace fairlead::service
