#include "service/service.h"

#include <atomic>
#include <utility>

#include <sys/resource.h>

#include <fmt/format.h>

#include "service/delay.h"

namespace fairlead::service {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int kClientGone = 499;           // For metrics and logs only: nobody is there to be told.
constexpr std::size_t kLoggedPath = 1024;  // A caller's text must not push the rest out of the line.
constexpr std::size_t kLoggedMethod = 32;

double memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

/// To the microsecond.
double milliseconds(std::chrono::nanoseconds took) {
  return std::chrono::duration<double, std::milli>(std::chrono::floor<std::chrono::microseconds>(took)).count();
}

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

net::Response plain(int status, std::string body) {
  return {.status = status, .headers = {{"content-type", "text/plain; charset=utf-8"}}, .body = std::move(body)};
}

}  // namespace

/// Shared by the server's threads and by answers that are still on their way.
struct Service::State {
  State(Settings given, Handlers handlers, const Log& where, MetricRegistry& registry)
      : settings(std::move(given)),
        router(std::move(handlers)),
        log(where),
        metrics(registry),
        requests(registry),
        faults(settings.faults) {}

  /// Counts down when the last copy of what holds it is gone.
  struct Running {
    explicit Running(std::shared_ptr<State> owner) : state(std::move(owner)) { ++state->in_flight; }
    ~Running() { --state->in_flight; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    std::shared_ptr<State> state;
  };

  Settings settings;
  Router router;
  const Log& log;
  MetricRegistry& metrics;
  RequestMetrics requests;
  Faults faults;
  DelayQueue* delays = nullptr;
  std::atomic<bool> ready{true};
  std::atomic<std::size_t> in_flight{0};
};

namespace {

/// One request from arrival to answer.
struct Exchange {
  std::shared_ptr<const Call> call;
  std::string route;
  SteadyTime arrived;
};

}  // namespace

struct Service::Surface {
  std::shared_ptr<State> state;

  /// Health and metrics; false when the path is none of them.
  [[nodiscard]] bool answer_own(const net::Request& request, const net::ResponseWriter& writer, bool metrics) const {
    const std::string_view path = request.path();
    if (path == "/livez") return writer.send(plain(200, "ok\n")), true;
    if (path == "/readyz") {
      return writer.send(state->ready ? plain(200, "ok\n") : plain(503, "draining\n")), true;
    }
    if (path != "/metrics" || !metrics) return false;
    writer.send(
        {.headers = {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}}, .body = state->metrics.scrape()});
    return true;
  }

  void finish(const Exchange& exchange, const net::ResponseWriter& writer, net::Response response) const {
    const Call& call = *exchange.call;
    response.headers.set(kVersionHeader, state->settings.version);
    response.headers.set(kRequestIdHeader, call.context.request_id);
    const int code = writer.closed() ? kClientGone : response.status;
    writer.send(response);
    const auto took = std::chrono::steady_clock::now() - exchange.arrived;
    state->requests.record(code, call.request.method, exchange.route, took);
    const Level level = code >= 500 ? Level::kError : Level::kInfo;
    const bool wanted =
        state->settings.log_requests == "all" || (state->settings.log_requests == "errors" && code >= 500);
    if (!wanted || !state->log.enabled(level)) return;
    state->log.write(level, "request",
                     {{"method", std::string_view(call.request.method).substr(0, kLoggedMethod)},
                      {"path", call.request.path().substr(0, kLoggedPath)},
                      {"route", exchange.route},
                      {"code", code},
                      {"duration_ms", milliseconds(took)},
                      {"bytes", response.body.size()},
                      {"request_id", call.context.request_id},
                      {"trace_id", call.context.trace.trace_id},
                      {"span_id", call.context.trace.span_id}});
  }

  void handle(net::Request request, const net::ResponseWriter& writer) const {
    if (answer_own(request, writer, state->settings.admin_port == 0)) return;
    Router::Match match = state->router.find(request.method, request.path());
    Exchange exchange{.call = {}, .route = "unmatched", .arrived = std::chrono::steady_clock::now()};
    auto call = std::make_shared<Call>();
    call->context = RequestContext::from(request.headers, state->settings.request_timeout);
    call->request = std::move(request);
    call->parameters = std::move(match.parameters);
    exchange.call = call;
    if (match.handler == nullptr) {
      net::Response response = match.allow.empty() ? json_error(404, "there is nothing at this path")
                                                   : json_error(405, "this path does not take this method");
      if (!match.allow.empty()) response.headers.add("allow", match.allow);
      return finish(exchange, writer, std::move(response));
    }
    exchange.route = match.handler->route();
    if (state->in_flight >= state->settings.max_in_flight) {
      net::Response busy = json_error(503, "too many requests are being handled");
      busy.headers.add("retry-after", "1");
      return finish(exchange, writer, std::move(busy));
    }
    serve(std::move(exchange), writer, *match.handler);
  }

  void serve(Exchange exchange, const net::ResponseWriter& writer, Handler& handler) const {
    const auto running = std::make_shared<State::Running>(state);
    const Faults::Fault fault = state->faults.next();
    auto go = [self = *this, exchange = std::move(exchange), writer, running, &handler, code = fault.error_code] {
      if (code != 0) return self.finish(exchange, writer, json_error(code, "a fault that the configuration asks for"));
      auto call = exchange.call;
      handler.handle(std::move(call), [self, exchange, writer, running](net::Response response) {
        self.finish(exchange, writer, std::move(response));
      });
    };
    if (fault.latency.count() == 0) return go();
    state->delays->after(fault.latency, std::move(go));
  }
};

Service::Service(std::shared_ptr<State> state) : state_(std::move(state)), delays_(std::make_unique<DelayQueue>()) {
  state_->delays = delays_.get();
}

Service::~Service() {
  // No new requests, then no delayed ones; handlers live as long as the state that answers under way hold.
  server_.reset();
  admin_.reset();
  delays_.reset();
}

Result<std::unique_ptr<Service>> Service::start(Settings settings, Handlers handlers, const Log& log,
                                                MetricRegistry& metrics) {
  auto state = std::make_shared<State>(std::move(settings), std::move(handlers), log, metrics);
  std::unique_ptr<Service> service(new Service(state));
  state->router.each([&](const Handler& handler) { state->requests.expect(handler.method(), handler.route()); });
  const Settings& s = state->settings;
  const Surface surface{state};
  net::ServerOptions options{.address = s.address, .port = s.port, .threads = s.threads};
  options.limits.connections = s.max_connections;
  options.limits.parser.body_bytes = s.max_body_bytes;
  auto server = net::HttpServer::start(options, [surface](net::Request request, const net::ResponseWriter& writer) {
    surface.handle(std::move(request), writer);
  });
  if (!server) return std::unexpected(server.error());
  service->server_ = std::move(*server);
  if (s.admin_port != 0) {
    const auto port = static_cast<std::uint16_t>(std::max(s.admin_port, 0));
    auto admin = net::HttpServer::start({.address = s.address, .port = port},
                                        [surface](const net::Request& request, const net::ResponseWriter& writer) {
                                          if (!surface.answer_own(request, writer, true))
                                            writer.send(plain(404, "not found\n"));
                                        });
    if (!admin) return std::unexpected(admin.error());
    service->admin_ = std::move(*admin);
  }
  const std::weak_ptr<State> weak = state;
  metrics.gauge("app_info", "The version that runs.", {{"service", s.name}, {"version", s.version}},
                [] { return 1.0; });
  metrics.gauge("http_requests_in_flight", "Requests being handled.", {}, [weak] {
    const auto alive = weak.lock();
    return alive ? static_cast<double>(alive->in_flight.load()) : 0.0;
  });
  metrics.gauge("log_lines_dropped_total", "Log lines lost because nobody read them in time.", {},
                [&log] { return static_cast<double>(log.dropped()); });
  metrics.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", {},
                [started = unix_seconds()] { return started; });
  metrics.gauge("process_cpu_seconds_total", "Processor time used.", {}, cpu_seconds);
  metrics.gauge("process_max_resident_memory_bytes", "The most memory held at once.", {}, memory_bytes);
  return service;
}

std::uint16_t Service::port() const { return server_->port(); }
std::uint16_t Service::admin_port() const { return admin_ ? admin_->port() : server_->port(); }
void Service::set_ready(bool ready) { state_->ready = ready; }
bool Service::drain() { return server_->drain(state_->settings.drain_grace); }

}  // namespace fairlead::service
