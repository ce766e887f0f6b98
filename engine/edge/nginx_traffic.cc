#include "engine/edge/nginx_traffic.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

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
  std::string target;

  /// Old workers may still answer for a moment after a reload: they do not have the target's name.
  [[nodiscard]] bool listens_as(std::string_view hash) const {
    return listeners.starts_with(hash) && (target.empty() || target == listeners);
  }
};

Result<EdgeState> read_state(const std::string& ip, const NginxTrafficOptions& options) {
  auto answer = ask_admin(ip, options.admin_port, "GET", "/state", {}, options.ask_limit);
  if (!answer) return std::unexpected(std::move(answer.error()));
  const auto state = parse_json(answer->body);
  if (answer->code != 200 || !state) return fail("edge at {}: not the edge's admin port: {}", ip, answer->body);
  return EdgeState{std::string(state->at("version").str()), std::string(state->at("listeners").str()),
                   std::string(state->at("target").str())};
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

/// The edge of one Gateway, and the thread that keeps it following the latest program.
class NginxTraffic::Follower {
 public:
  /// `ended` is posted when the thread has nothing left to do; see apply.
  Follower(seam::Executor& executor, const NginxTrafficOptions& options, std::function<void()> ended)
      : executor_(executor),
        options_(options),
        ended_(std::move(ended)),
        thread_([this](const std::stop_token& stop) { work(stop); }) {}
  ~Follower() {
    thread_.request_stop();
    thread_.join();
  }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// False when the thread has ended: then nothing is done, and `done` is left.
  [[nodiscard]] bool apply(const seam::EdgeProgram& program, seam::Done<>& done);
  [[nodiscard]] bool has_ended();

 private:
  /// A program as it travels.
  struct Payload {
    std::string gateway_ns;
    std::string gateway;
    std::vector<seam::EdgePod> pods;
    std::string version;
    std::string routing;
    Value listeners;
    std::string listener_hash;
  };

  void work(const std::stop_token& stop);
  [[nodiscard]] Result<> bring(const seam::EdgePod& pod, const Payload& payload, const std::stop_token& stop);
  [[nodiscard]] Result<> bring_all(const Payload& payload, const std::stop_token& stop);
  [[nodiscard]] Result<> change_listeners(const seam::EdgePod& pod, bool first, const Payload& payload,
                                          const std::stop_token& stop);
  /// Waits for a worker that has taken the listeners of that name, until the reload's limit.
  [[nodiscard]] bool comes_to_listen_as(const std::string& ip, const std::string& name, const std::stop_token& stop);
  void pause(Duration limit, const std::stop_token& stop);
  void answer(const Result<>& result);
  /// Ends the thread's work unless there is something new.
  [[nodiscard]] bool end();

  seam::Executor& executor_;
  const NginxTrafficOptions options_;
  const std::function<void()> ended_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Payload> next_;        ///< Given, not yet begun. Under mutex_.
  std::vector<seam::Done<>> waiting_;  ///< Whom to answer when the latest program is in force. Under mutex_.
  bool has_ended_ = false;             ///< Under mutex_.
  std::jthread thread_;                ///< Last: it uses everything above.
};

NginxTraffic::NginxTraffic(seam::Executor& executor, NginxTrafficOptions options)
    : executor_(executor), options_(options) {}

NginxTraffic::~NginxTraffic() = default;

void NginxTraffic::apply(seam::EdgeProgram program, seam::Done<> done) {
  const std::string gateway = program.gateway_ns + "/" + program.gateway;
  auto& follower = gateways_[gateway];
  if (follower != nullptr && follower->apply(program, done)) return;
  follower = std::make_unique<Follower>(executor_, options_, [this, gateway, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) let_go(gateway);
  });
  const bool taken = follower->apply(program, done);
  FAIRLEAD_ASSERT(taken);
}

void NginxTraffic::let_go(const std::string& gateway) {
  const auto known = gateways_.find(gateway);
  // A Gateway of the same name may have come meanwhile: its follower is another.
  if (known != gateways_.end() && known->second->has_ended()) gateways_.erase(known);
}

bool NginxTraffic::Follower::apply(const seam::EdgeProgram& program, seam::Done<>& done) {
  const Value routing = routing_table(program);
  const Value listeners = listener_table(program);
  Payload payload{program.gateway_ns,
                  program.gateway,
                  program.pods,
                  std::string(routing.at("version").str()),
                  to_json(routing),
                  listeners,
                  std::string(listeners.at("listeners").str())};
  {
    const std::lock_guard lock(mutex_);
    if (has_ended_) return false;
    next_ = std::move(payload);
    waiting_.push_back(std::move(done));
  }
  changed_.notify_one();
  return true;
}

bool NginxTraffic::Follower::has_ended() {
  const std::lock_guard lock(mutex_);
  return has_ended_;
}

bool NginxTraffic::Follower::end() {
  const std::lock_guard lock(mutex_);
  if (next_) return false;
  has_ended_ = true;
  executor_.post([ended = ended_] { ended(); });
  return true;
}

void NginxTraffic::Follower::work(const std::stop_token& stop) {
  std::optional<Payload> current;
  int looks = 0;  // At the current program.
  while (!stop.stop_requested()) {
    bool given = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, options_.watch_period, [&] { return next_.has_value(); });
      given = next_.has_value();
      if (given) current = std::exchange(next_, std::nullopt);
    }
    if (stop.stop_requested() || !current) continue;
    looks = given ? 1 : looks + 1;
    Result<> result = bring_all(*current, stop);
    // A look in between answers nobody: when it fails, the pod is restarting, and its next state is an event.
    if (given) answer(result);
    // A gateway that is gone listens to nothing and needs no looking after. Its pods may be gone as well, and their
    // addresses somebody else's some day.
    const bool enough = result || current->pods.empty() || looks >= options_.farewells;
    if (current->listeners.at("ports").empty() && enough && end()) return;
  }
}

Result<> NginxTraffic::Follower::bring_all(const Payload& payload, const std::stop_token& stop) {
  if (payload.pods.empty()) {
    return fail("no running pod of namespace {} has the label gateway.networking.k8s.io/gateway-name: {}",
                payload.gateway_ns, payload.gateway);
  }
  Result<> result;
  for (const seam::EdgePod& pod : payload.pods) {
    Result<> one = bring(pod, payload, stop);
    if (!one) result = std::move(one);
  }
  return result;
}

Result<> NginxTraffic::Follower::bring(const seam::EdgePod& pod, const Payload& payload, const std::stop_token& stop) {
  const auto state = read_state(pod.ip, options_);
  if (!state) return std::unexpected(state.error());
  // Routes first: a new listener must not answer 404 before it knows them.
  if (state->version != payload.version) {
    if (auto result = put(pod.ip, options_, "/program", payload.routing); !result) return result;
  }
  if (state->listens_as(payload.listener_hash)) return {};
  // Told already: an old worker has answered, which had no time to leave yet.
  if (state->target.starts_with(payload.listener_hash) && comes_to_listen_as(pod.ip, state->target, stop)) return {};
  return change_listeners(pod, state->listeners.empty(), payload, stop);
}

Result<> NginxTraffic::Follower::change_listeners(const seam::EdgePod& pod, bool first, const Payload& payload,
                                                  const std::stop_token& stop) {
  // Every reload has a name of its own, or a worker of an earlier one could be taken for the new.
  Value wanted = payload.listeners;
  const std::string name =
      fmt::format("{}-{}", payload.listener_hash, std::chrono::steady_clock::now().time_since_epoch().count());
  wanted.set("listeners", name);
  const auto aim = [&](std::string_view target) {
    return put(pod.ip, options_, "/target", to_json(Value::object({{"listeners", target}})));
  };
  // Old workers close idle connections without notice: clients that are still talking leave theirs first.
  if (auto result = aim(name); !result) return result;
  if (!first) pause(options_.drain, stop);
  if (auto result = put(pod.ip, options_, "/listeners", to_json(wanted)); !result) return result;
  if (comes_to_listen_as(pod.ip, name, stop)) return {};
  if (auto result = aim(""); !result) return result;
  return fail("edge at {}: nginx did not take the new listeners; its log says why", pod.ip);
}

bool NginxTraffic::Follower::comes_to_listen_as(const std::string& ip, const std::string& name,
                                                const std::stop_token& stop) {
  const auto end = std::chrono::steady_clock::now() + options_.reload_limit;
  while (std::chrono::steady_clock::now() < end && !stop.stop_requested()) {
    const auto state = read_state(ip, options_);
    if (state && state->listeners == name) return true;
    pause(kReloadPoll, stop);
  }
  return false;
}

void NginxTraffic::Follower::pause(Duration limit, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, limit, [] { return false; });
}

void NginxTraffic::Follower::answer(const Result<>& result) {
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
