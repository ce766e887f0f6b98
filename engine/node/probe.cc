#include "engine/node/probe.h"

#include <algorithm>
#include <charconv>

#include "engine/node/grpc_health.h"
#include "engine/node/moments.h"

namespace fairlead::node {

namespace {

/// While a container is this young, nobody listening is no failure yet: the first attempt waits for it in small steps.
/// (Upstream would fail and come back a whole period later.)
constexpr Duration kBirth{1'000};
constexpr Duration kBirthStep{20};

std::uint16_t port_of(const Value& port, const Value& container) {
  if (port.is_int()) return static_cast<std::uint16_t>(port.int_or(0));
  for (const auto& entry : container.at("ports").items()) {
    if (entry.at("name").str() == port.str()) return static_cast<std::uint16_t>(entry.at("containerPort").int_or(0));
  }
  return 0;
}

std::string http_request(const Value& get, const std::string& place) {
  std::string path(get.at("path").string_or("/"));
  if (!path.starts_with("/")) path.insert(0, "/");
  std::string host = place;
  std::string headers;
  bool agent = false;
  for (const auto& header : get.at("httpHeaders").items()) {
    const auto name = header.at("name").str();
    if (name == "Host" || name == "host") {
      host = header.at("value").str();
      continue;
    }
    agent = agent || name == "User-Agent";
    headers += fmt::format("{}: {}\r\n", name, header.at("value").str());
  }
  if (!agent) headers += "User-Agent: kube-probe/1.36\r\n";
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}Accept: */*\r\nConnection: close\r\n\r\n", path, host, headers);
}

std::optional<ProbeResult> judge_http(std::string_view answer, bool over) {
  if (answer.find("\r\n") == std::string_view::npos && !over) return std::nullopt;
  int code = 0;
  if (answer.starts_with("HTTP/1.") && answer.size() > 12) {
    std::from_chars(answer.data() + 9, answer.data() + 12, code);
  }
  if (code == 0) return ProbeResult{false, false, "EOF"};
  return ProbeResult{code >= 200 && code < 400, false, fmt::format("HTTP probe failed with statuscode: {}", code)};
}

/// Sends what `handler` says over the network.
void attempt_dial(Loop& loop, const Value& handler, const ProbeTarget& target, Duration timeout,
                  std::function<void(ProbeResult)> done) {
  const Value* http = handler.find("httpGet");
  const Value* grpc = handler.find("grpc");
  const Value& spec = http != nullptr ? *http : grpc != nullptr ? *grpc : handler.at("tcpSocket");
  DialRequest request;
  request.port = port_of(spec.at("port"), *target.container);
  request.address = spec.at("host").str().empty() ? target.address : parse_address(spec.at("host").str());
  if (request.port == 0 || request.address == 0) {
    return loop.post([done] { done({false, false, "the probe's host or port is not known"}); });
  }
  const std::string place = fmt::format("{}:{}", format_address(request.address), request.port);
  std::string prefix;
  if (http != nullptr) {
    request.tls = http->at("scheme").str() == "HTTPS";
    request.request = http_request(*http, place);
    request.judge = judge_http;
    prefix = fmt::format("Get \"{}://{}{}\": ", request.tls ? "https" : "http", place, http->at("path").string_or("/"));
  } else if (grpc != nullptr) {
    request.request = grpc_health_request(place, grpc->at("service").str());
    request.judge = judge_grpc_health;
  }
  dial(loop, std::move(request), timeout, [done = std::move(done), prefix](ProbeResult result) {
    if (!result.ok && !result.message.starts_with("HTTP")) result.message.insert(0, prefix);
    done(std::move(result));
  });
}

}  // namespace

void attempt(Loop& loop, Runtime& runtime, const Value& handler, const ProbeTarget& target, Duration timeout,
             std::function<void(ProbeResult)> done) {
  const Value* exec = handler.find("exec");
  if (exec == nullptr) return attempt_dial(loop, handler, target, timeout, std::move(done));
  std::vector<std::string> argv;
  for (const auto& part : exec->at("command").items()) argv.emplace_back(part.str());
  runtime.exec(target.exec, argv, timeout, [done, timeout](const Outcome& outcome) {
    if (outcome.timed_out)
      return done({false, false, fmt::format("command timed out after {}", format_duration(timeout))});
    done({outcome.exit.code == 0, false, outcome.output});
  });
}

ProbeWorker::ProbeWorker(Loop& loop, Runtime& runtime, const Value& probe, ProbeTarget target, ProbePlan plan,
                         Callbacks callbacks)
    : loop_(loop),
      runtime_(runtime),
      probe_(probe),
      target_(std::move(target)),
      plan_(plan),
      callbacks_(std::move(callbacks)) {
  const Duration delay = std::chrono::seconds(probe_.at("initialDelaySeconds").int_or(0));
  timer_ = loop_.after(left_until(plan_.container_started + delay), [this] { run(); });
}

ProbeWorker::~ProbeWorker() {
  *alive_ = false;
  loop_.cancel(timer_);
}

void ProbeWorker::run() {
  attempt_ = std::chrono::steady_clock::now();
  const Duration timeout = std::chrono::seconds(std::max<std::int64_t>(1, probe_.at("timeoutSeconds").int_or(1)));
  attempt(loop_, runtime_, probe_, target_, timeout, [this, alive = alive_](const ProbeResult& result) {
    if (*alive) judge(result);
  });
}

void ProbeWorker::judge(const ProbeResult& result) {
  const auto age = std::chrono::steady_clock::now() - plan_.container_started;
  if (result.refused && !ever_answered_ && age < kBirth) {
    timer_ = loop_.after(kBirthStep, [this] { run(); });
    return;
  }
  ever_answered_ = ever_answered_ || result.ok;
  const Duration period = std::chrono::seconds(std::max<std::int64_t>(1, probe_.at("periodSeconds").int_or(10)));
  // From the attempt's beginning, as the kubelet's ticker counts: a slow answer does not make probes rarer.
  timer_ = loop_.after(left_until(attempt_ + period), [this] { run(); });
  successes_ = result.ok ? successes_ + 1 : 0;
  failures_ = result.ok ? 0 : failures_ + 1;
  const auto alive = alive_;
  if (!result.ok) callbacks_.unhealthy(result.message);
  if (!*alive) return;
  if (successes_ >= probe_.at("successThreshold").int_or(1) && result_ != 1) {
    result_ = 1;
    callbacks_.succeeded();
  } else if (failures_ >= probe_.at("failureThreshold").int_or(3) && result_ != -1) {
    result_ = -1;
    if (plan_.ends_with_failure) loop_.cancel(timer_);
    callbacks_.failed();
  }
}

}  // namespace fairlead::node
