#include "engine/seam/simulated_node.h"

#include <algorithm>
#include <utility>

namespace fairlead::seam {
namespace {

struct Container {
  enum class Phase { kWaiting, kRunning, kEnded };
  std::string name;
  std::string image;
  bool init = false;
  bool sidecar = false;
  Phase phase = Phase::kWaiting;
  std::string waiting = "ContainerCreating";
  std::string message;
  bool ready = false;
  int restarts = 0;
  int exit_code = 0;
  std::string exit_reason;
  Time started{};
  Time ended{};
  Value last;             ///< lastState.
  std::uint64_t run = 0;  ///< Raised with every start, so that timers of an earlier run find out.
};

struct Pod {
  std::shared_ptr<const Value> object;
  PodInputs inputs;
  std::string ip;
  Time started{};
  std::vector<Container> containers;  ///< Init containers first.
  bool stopping = false;
  Time gone_at{};
  std::map<std::string, Time> transitions;  ///< When each condition last changed,
  std::map<std::string, bool> conditions;   ///< and what it was then.
};

std::string_view restart_policy(const Pod& pod) { return pod.object->at("spec", "restartPolicy").string_or("Always"); }

bool restarts(const Pod& pod, const Container& c) {
  if (c.sidecar) return true;
  const std::string_view policy = restart_policy(pod);
  if (c.init || policy == "OnFailure") return policy != "Never" && c.exit_code != 0;
  return policy == "Always";
}

Value state_of(const Container& c) {
  if (c.phase == Container::Phase::kRunning) {
    return Value::object({{"running", Value::object({{"startedAt", format_time(c.started)}})}});
  }
  if (c.phase == Container::Phase::kEnded) {
    return Value::object({{"terminated", Value::object({{"exitCode", c.exit_code},
                                                        {"reason", c.exit_reason},
                                                        {"startedAt", format_time(c.started)},
                                                        {"finishedAt", format_time(c.ended)}})}});
  }
  Value waiting = Value::object({{"reason", c.waiting}});
  if (!c.message.empty()) waiting.set("message", c.message);
  return Value::object({{"waiting", std::move(waiting)}});
}

Value status_of(const Container& c) {
  Value out = Value::object({{"name", c.name},
                             {"image", c.image},
                             {"imageID", c.restarts > 0 || c.phase != Container::Phase::kWaiting ? c.image : ""},
                             {"ready", c.init && !c.sidecar ? c.phase == Container::Phase::kEnded && c.exit_code == 0
                                                            : c.ready && c.phase == Container::Phase::kRunning},
                             {"started", c.phase == Container::Phase::kRunning},
                             {"restartCount", c.restarts},
                             {"state", state_of(c)},
                             {"lastState", Value::object()}});
  if (!c.last.is_null()) out.set("lastState", Value::object({{"terminated", c.last}}));
  return out;
}

/// pkg/kubelet/kubelet_pods.go, getPhase.
std::string phase_of(const Pod& pod) {
  bool any_running = false;
  bool any_failed = false;
  bool all_ended = true;
  for (const Container& c : pod.containers) {
    if (c.init) {
      const bool over = c.sidecar ? c.phase != Container::Phase::kWaiting || c.restarts > 0
                                  : c.phase == Container::Phase::kEnded && c.exit_code == 0;
      if (!over) return c.phase == Container::Phase::kEnded && !restarts(pod, c) ? "Failed" : "Pending";
      continue;
    }
    if (c.phase == Container::Phase::kWaiting && c.started == Time{} && !pod.stopping) return "Pending";
    if (c.phase == Container::Phase::kEnded && (pod.stopping || !restarts(pod, c))) {
      any_failed = any_failed || c.exit_code != 0;
      continue;
    }
    all_ended = false;
    any_running = true;
  }
  if (!all_ended || any_running) return "Running";
  return any_failed ? "Failed" : "Succeeded";
}

}  // namespace

struct SimulatedNode::State : std::enable_shared_from_this<SimulatedNode::State> {
  State(VirtualTime& t, std::string n, Value s, std::string prefix)
      : time(t), name(std::move(n)), node_status(std::move(s)), pod_prefix(std::move(prefix)) {}

  VirtualTime& time;
  std::string name;
  Value node_status;
  std::string pod_prefix;
  std::uint32_t addresses = 0;
  std::map<std::string, ImageBehaviour> images;
  std::map<std::string, Pod> pods;
  NetworkProgram network;
  std::function<void(const PodReport&)> reported;
  std::uint64_t life = 0;  ///< Raised by lose_everything, so that older timers do nothing.

  [[nodiscard]] ImageBehaviour behaviour(const std::string& image) const {
    const auto it = images.find(image);
    return it != images.end() ? it->second : ImageBehaviour{};
  }

  /// Calls `task(pod, container)` after `delay`, if that run of that container is still the current one.
  void later(Duration delay, const std::string& uid, std::size_t index, void (State::*task)(Pod&, std::size_t)) {
    const std::uint64_t run = pods.at(uid).containers[index].run;
    time.after(delay, [weak = weak_from_this(), uid, index, run, task, born = life] {
      const auto self = weak.lock();
      if (!self || self->life != born) return;
      const auto it = self->pods.find(uid);
      if (it == self->pods.end() || it->second.stopping || it->second.containers[index].run != run) return;
      (self.get()->*task)(it->second, index);
      self->report(it->second);
    });
  }

  void begin(Pod& pod, std::size_t index) {
    Container& c = pod.containers[index];
    c.run += 1;
    c.phase = Container::Phase::kWaiting;
    c.waiting = c.init ? "PodInitializing" : "ContainerCreating";
    c.message.clear();
    later(behaviour(c.image).startup, uid_of(pod), index, &State::started);
  }

  void started(Pod& pod, std::size_t index) {
    Container& c = pod.containers[index];
    const ImageBehaviour b = behaviour(c.image);
    if (b.missing) {
      c.waiting = c.waiting == "ErrImagePull" ? "ImagePullBackOff" : "ErrImagePull";
      c.message = fmt::format("image \"{}\" does not exist", c.image);
      return later(kSimulatedFirstBackOff, uid_of(pod), index, &State::started);
    }
    c.phase = Container::Phase::kRunning;
    c.started = time.now();
    c.ready = b.ready && *b.ready == Duration(0);
    if (b.ready && *b.ready > Duration(0)) later(*b.ready, uid_of(pod), index, &State::became_ready);
    const bool ends = c.init && !c.sidecar;
    if (b.exit_after || ends) later(b.exit_after.value_or(Duration(0)), uid_of(pod), index, &State::ended);
    if (c.sidecar) start_next(pod, index);
  }

  void became_ready(Pod& pod, std::size_t index) { pod.containers[index].ready = true; }

  void ended(Pod& pod, std::size_t index) {
    Container& c = pod.containers[index];
    finish(c, behaviour(c.image).exit_code);
    if (c.init && !c.sidecar && c.exit_code == 0) return start_next(pod, index);
    if (!restarts(pod, c)) return;
    c.last = state_of(c).at("terminated");
    Duration wait = kSimulatedFirstBackOff;
    for (int i = 0; i < c.restarts && wait < kSimulatedLongestBackOff; ++i) wait *= 2;
    wait = std::min(wait, kSimulatedLongestBackOff);
    later(c.restarts == 0 ? Duration(0) : wait, uid_of(pod), index, &State::restarted);
    if (c.restarts > 0) {
      c.phase = Container::Phase::kWaiting;
      c.waiting = "CrashLoopBackOff";
    }
  }

  void restarted(Pod& pod, std::size_t index) {
    pod.containers[index].restarts += 1;
    pod.containers[index].run += 1;
    started(pod, index);
  }

  void finish(Container& c, int exit_code) const {
    c.phase = Container::Phase::kEnded;
    c.ready = false;
    c.ended = time.now();
    c.exit_code = exit_code;
    c.exit_reason = exit_code == 0 ? "Completed" : "Error";
  }

  /// After the init container at `index`: the next one, or, after the last, every container at once.
  void start_next(Pod& pod, std::size_t index) {
    const std::size_t next = index + 1;
    if (next < pod.containers.size() && pod.containers[next].init) return begin(pod, next);
    for (std::size_t i = next; i < pod.containers.size(); ++i) begin(pod, i);
  }

  [[nodiscard]] static std::string uid_of(const Pod& pod) {
    return std::string(pod.object->at("metadata", "uid").str());
  }

  Value condition(Pod& pod, const std::string& type, bool holds, std::string_view reason) const {
    const auto known = pod.conditions.find(type);
    if (known == pod.conditions.end() || known->second != holds) pod.transitions[type] = time.now();
    pod.conditions[type] = holds;
    Value out = Value::object({{"type", type},
                               {"status", holds ? "True" : "False"},
                               {"lastProbeTime", Value()},
                               {"lastTransitionTime", format_time(pod.transitions[type])}});
    if (!reason.empty()) out.set("reason", reason);
    return out;
  }

  [[nodiscard]] Value pod_status(Pod& pod) const {
    Value status = Value::object({{"phase", phase_of(pod)},
                                  {"hostIP", node_status.at("addresses", 0, "address").string_or("10.0.0.1")},
                                  {"podIP", pod.ip},
                                  {"podIPs", Value::array({Value::object({{"ip", pod.ip}})})},
                                  {"startTime", format_time(pod.started)}});
    bool initialized = true;
    bool ready = true;
    Value::Array inits;
    Value::Array mains;
    for (const Container& c : pod.containers) {
      (c.init ? inits : mains).push_back(status_of(c));
      if (c.init && !c.sidecar) initialized = initialized && c.phase == Container::Phase::kEnded && c.exit_code == 0;
      if (!c.init || c.sidecar) ready = ready && c.ready && c.phase == Container::Phase::kRunning;
    }
    const bool completed = status.at("phase").str() == "Succeeded";
    const std::string_view why = ready ? "" : completed ? "PodCompleted" : "ContainersNotReady";
    status.set("conditions",
               Value::array({condition(pod, "PodReadyToStartContainers", !pod.stopping, ""),
                             condition(pod, "Initialized", initialized, initialized ? "" : "ContainersNotInitialized"),
                             condition(pod, "Ready", ready && gates_hold(pod), why),
                             condition(pod, "ContainersReady", ready, why)}));
    status.set("containerStatuses", Value(std::move(mains)));
    if (!inits.empty()) status.set("initContainerStatuses", Value(std::move(inits)));
    return status;
  }

  /// Readiness gates are conditions that others set.
  [[nodiscard]] static bool gates_hold(const Pod& pod) {
    return std::ranges::all_of(pod.object->at("spec", "readinessGates").items(), [&](const Value& gate) {
      return std::ranges::any_of(pod.object->at("status", "conditions").items(), [&](const Value& c) {
        return c.at("type") == gate.at("conditionType") && c.at("status").str() == "True";
      });
    });
  }

  void report(Pod& pod, bool stopped = false) {
    PodReport out;
    out.uid = uid_of(pod);
    out.status = pod_status(pod);
    out.stopped = stopped;
    send(std::move(out));
  }

  void send(PodReport report) {
    time.post([weak = weak_from_this(), report = std::move(report), born = life] {
      const auto self = weak.lock();
      if (self && self->life == born && self->reported) self->reported(report);
    });
  }

  void gone(const std::string& uid) {
    const auto it = pods.find(uid);
    if (it == pods.end() || it->second.gone_at > time.now()) return;
    for (Container& c : it->second.containers) {
      if (c.phase != Container::Phase::kEnded) finish(c, c.phase == Container::Phase::kRunning ? 0 : 137);
    }
    report(it->second, true);
    pods.erase(it);
  }
};

SimulatedNode::SimulatedNode(VirtualTime& time, std::string name, Value status, std::string pod_prefix)
    : state_(std::make_shared<State>(time, std::move(name), std::move(status), std::move(pod_prefix))) {}

SimulatedNode::~SimulatedNode() = default;

void SimulatedNode::set_image(const std::string& image, ImageBehaviour behaviour) { state_->images[image] = behaviour; }

void SimulatedNode::lose_everything() {
  state_->life += 1;
  state_->pods.clear();
  state_->network = {};
}

const NetworkProgram& SimulatedNode::network() const { return state_->network; }

const PodInputs* SimulatedNode::inputs(const std::string& uid) const {
  const auto it = state_->pods.find(uid);
  return it == state_->pods.end() ? nullptr : &it->second.inputs;
}

std::string SimulatedNode::name() const { return state_->name; }

Value SimulatedNode::status() const { return state_->node_status; }

void SimulatedNode::on_report(std::function<void(const PodReport&)> callback) {
  state_->reported = std::move(callback);
}

void SimulatedNode::run(std::shared_ptr<const Value> object, PodInputs inputs) {
  const std::string uid(object->at("metadata", "uid").str());
  const auto known = state_->pods.find(uid);
  if (known != state_->pods.end()) {
    known->second.object = std::move(object);
    known->second.inputs = std::move(inputs);
    if (!known->second.object->at("spec", "readinessGates").empty()) state_->report(known->second);
    return;
  }
  Pod& pod = state_->pods[uid];
  pod.object = std::move(object);
  pod.inputs = std::move(inputs);
  pod.ip = fmt::format("{}.{}", state_->pod_prefix, ++state_->addresses);
  pod.started = state_->time.now();
  for (const std::string_view list : {"initContainers", "containers"}) {
    for (const Value& c : pod.object->at("spec", list).items()) {
      Container& added = pod.containers.emplace_back();
      added.name = c.at("name").str();
      added.image = c.at("image").str();
      added.init = list == "initContainers";
      added.sidecar = added.init && c.at("restartPolicy").str() == "Always";
      if (!added.init && !pod.containers.front().init) continue;
      added.waiting = "PodInitializing";
    }
  }
  // Restart counts of an earlier life of the engine are in the status that the pod came with.
  for (Container& c : pod.containers) {
    const Value& statuses = pod.object->at("status", c.init ? "initContainerStatuses" : "containerStatuses");
    for (const Value& s : statuses.items()) {
      if (s.at("name").str() == c.name && !c.init) c.restarts = static_cast<int>(s.at("restartCount").int_or(0));
    }
  }
  if (pod.containers.front().init) {
    state_->begin(pod, 0);
  } else {
    for (std::size_t i = 0; i < pod.containers.size(); ++i) state_->begin(pod, i);
  }
  state_->report(pod);
}

void SimulatedNode::stop(std::string uid, Duration grace) {
  const auto it = state_->pods.find(uid);
  if (it == state_->pods.end()) {
    PodReport unknown;
    unknown.uid = std::move(uid);
    unknown.stopped = true;
    return state_->send(std::move(unknown));
  }
  Duration needed{0};
  for (const Container& c : it->second.containers) {
    if (c.phase == Container::Phase::kRunning) needed = std::max(needed, state_->behaviour(c.image).stop);
  }
  const Time gone_at = state_->time.now() + std::min(needed, grace);
  if (it->second.stopping && it->second.gone_at <= gone_at) return;
  it->second.stopping = true;
  it->second.gone_at = gone_at;
  state_->time.after(gone_at - state_->time.now(), [weak = std::weak_ptr(state_), uid, born = state_->life] {
    if (const auto self = weak.lock(); self && self->life == born) self->gone(uid);
  });
}

void SimulatedNode::program(NetworkProgram program) { state_->network = std::move(program); }

std::vector<PodUsage> SimulatedNode::usage() const {
  std::vector<PodUsage> out;
  for (const auto& [uid, pod] : state_->pods) {
    PodUsage usage;
    usage.uid = uid;
    usage.at = state_->time.now();
    usage.window = Duration(15'000);
    for (const Container& c : pod.containers) {
      if (c.phase != Container::Phase::kRunning || state_->time.now() - c.started < usage.window) continue;
      const ImageBehaviour b = state_->behaviour(c.image);
      usage.containers.push_back({c.name, b.cpu_nano_cores, b.memory_bytes});
    }
    if (!usage.containers.empty()) out.push_back(std::move(usage));
  }
  return out;
}

std::unique_ptr<Subscription> SimulatedNode::logs(LogRequest /*request*/,
                                                  std::function<void(std::string_view, bool)> sink) {
  sink("", true);
  return std::make_unique<Subscription>();
}

}  // namespace fairlead::seam
