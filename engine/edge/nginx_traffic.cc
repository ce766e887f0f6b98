#include "engine/edge/nginx_traffic.h"

#include "base/json.h"
#include "engine/edge/admin_client.h"
#include "engine/edge/routing_table.h"

namespace fairlead::edge {
namespace {

constexpr Duration kReloadPoll{50};

/// What a pod says it follows.
struct EdgeState {
  std::string version;
  std::string listeners;
};

Result<EdgeState> read_state(const std::string& ip, const NginxTrafficOptions& options) {
  auto answer = ask_admin(ip, options.admin_port, "GET", "/state", {}, options.ask_limit);
  if (!answer) return std::unexpected(std::move(answer.error()));
  const auto state = parse_json(answer->body);
  if (answer->code != 200 || !state) return fail("edge at {}: not the edge's admin port: {}", ip, answer->body);
  return EdgeState{std::string(state->at("version").str()), std::string(state->at("listeners").str())};
}

Result<> put(const std::string& ip, const NginxTrafficOptions& options, std::string_view path, std::string_view body) {
  auto answer = ask_admin(ip, options.admin_port, "PUT", path, body, options.ask_limit);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->code != 200 && answer->code != 202) {
    return fail("edge at {}: {} was refused with {}: {}", ip, path, answer->code, answer->body);
  }
  return {};
}

}  // namespace

NginxTraffic::NginxTraffic(seam::Executor& executor, NginxTrafficOptions options)
    : executor_(executor), options_(options), thread_([this](const std::stop_token& stop) { work(stop); }) {}

NginxTraffic::~NginxTraffic() {
  thread_.request_stop();
  thread_.join();
}

void NginxTraffic::apply(seam::EdgeProgram program, seam::Done<> done) {
  const Value routing = routing_table(program);
  const Value listeners = listener_table(program);
  Payload payload{std::move(program.pods), std::string(routing.at("version").str()), to_json(routing), to_json(listeners),
                  std::string(listeners.at("listeners").str())};
  {
    const std::lock_guard lock(mutex_);
    next_ = std::move(payload);
    waiting_.push_back(std::move(done));
  }
  changed_.notify_one();
}

void NginxTraffic::work(const std::stop_token& stop) {
  std::optional<Payload> current;
  while (!stop.stop_requested()) {
    bool given = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, options_.watch_period, [&] { return next_.has_value(); });
      given = next_.has_value();
      if (given) current = std::exchange(next_, std::nullopt);
    }
    if (stop.stop_requested() || !current) continue;
    Result<> result = bring_all(*current, stop);
    // A look in between answers nobody: when it fails, the pod is restarting, and its next state is an event.
    if (given) answer(result);
  }
}

Result<> NginxTraffic::bring_all(const Payload& payload, const std::stop_token& stop) {
  if (payload.pods.empty()) return fail("no pod of the edge is running yet");
  Result<> result;
  for (const seam::EdgePod& pod : payload.pods) {
    Result<> one = bring(pod, payload, stop);
    if (!one) result = std::move(one);
  }
  return result;
}

Result<> NginxTraffic::bring(const seam::EdgePod& pod, const Payload& payload, const std::stop_token& stop) {
  const auto state = read_state(pod.ip, options_);
  if (!state) return std::unexpected(state.error());
  // Routes first: a new listener must not answer 404 before it knows them.
  if (state->version != payload.version) {
    if (auto result = put(pod.ip, options_, "/program", payload.routing); !result) return result;
  }
  if (state->listeners == payload.listener_hash) return {};
  if (auto result = put(pod.ip, options_, "/listeners", payload.listeners); !result) return result;
  return wait_for_listeners(pod, payload, stop);
}

Result<> NginxTraffic::wait_for_listeners(const seam::EdgePod& pod, const Payload& payload, const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + options_.reload_limit;
  while (std::chrono::steady_clock::now() < deadline && !stop.stop_requested() && !overtaken()) {
    const auto state = read_state(pod.ip, options_);
    if (state && state->listeners == payload.listener_hash) return {};
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kReloadPoll, [&] { return next_.has_value(); });
  }
  return fail("edge at {}: nginx did not take the new listeners; its log says why", pod.ip);
}

bool NginxTraffic::overtaken() {
  const std::lock_guard lock(mutex_);
  return next_.has_value();
}

void NginxTraffic::answer(const Result<>& result) {
  std::vector<seam::Done<>> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (next_) return;  // Answered together with the program that took this one's place.
    waiting.swap(waiting_);
  }
  for (seam::Done<>& done : waiting) {
    executor_.post([done = std::move(done), result]() mutable { done(result); });
  }
}

}  // namespace fairlead::edge
