// How containers end: by themselves, or as killContainer of pkg/kubelet/kuberuntime ends them: the preStop hook, a
// sidecar's turn, the stop signal, and SIGKILL when the time is over.
#include <algorithm>
#include <csignal>

#include "engine/node/files.h"
#include "engine/node/moments.h"
#include "engine/node/pod_worker.h"
#include "engine/node/stop_signal.h"

namespace fairlead::node {

namespace {

/// "Always give containers a minimal shutdown window": minimumGracePeriodInSeconds.
constexpr Duration kLeastAfterSignal{2'000};
constexpr Duration kDefaultGrace{30'000};
constexpr std::size_t kMaxTerminationMessage = 4096;
constexpr std::size_t kLogLinesInMessage = 80;
constexpr std::size_t kLogBytesInMessage = 2048;

using Kind = ContainerRecord::Kind;
using State = ContainerRecord::State;

}  // namespace

Duration PodWorker::grace() const {
  const Value& seconds = pod_->at("spec", "terminationGracePeriodSeconds");
  return seconds.is_int() ? Duration(std::chrono::seconds(seconds.int_or(0))) : kDefaultGrace;
}

/// Whoever is being ended is not judged any more, only asked whether it takes requests.
void PodWorker::quiet_probes() {
  for (auto& slot : slots_) {
    slot.probes.erase("livenessProbe");
    slot.probes.erase("startupProbe");
  }
}

/// Tells every container to end, and the pod's end when all have.
void PodWorker::stop_containers() {
  for (std::size_t i = 0; i < slots_.size(); ++i)
    kill(i, stop_deadline_, "Stopping container " + record_.containers[i].name());
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].ending == Ending::kTurn && is_turn(i)) signal(i);
  }
  if (any_active()) return;
  stopping_ ? finish() : release();
}

/// Ends the container by `deadline`; it has at least two seconds after its signal, whenever that comes. A later call
/// can only shorten the time.
void PodWorker::kill(std::size_t index, Moment deadline, const std::string& message) {
  auto& slot = slots_[index];
  const auto& container = record_.containers[index];
  if (container.state != State::kRunning) return;
  const bool first = slot.ending == Ending::kNone;
  if (!first && deadline >= slot.deadline) return;
  slot.deadline = deadline;
  if (first) note("Normal", "Killing", message);
  if (slot.pid == 0) {
    slot.ending = Ending::kSignalled;
    // Served by the node itself: ended as soon as it is told to.
    services_.loop.post([weak = weak_from_this(), index] {
      if (const auto self = weak.lock(); self && self->slots_[index].dns) self->ended(index, {0, 0});
    });
    return;
  }
  if (slot.ending == Ending::kSignalled) return force_after(index, kLeastAfterSignal);
  const Duration left = left_until(deadline);
  later(slot.kill, left, [this, index] { signal(index); });
  if (!first) return;
  slot.ending = Ending::kHook;
  const Value* hook = container.spec.at("lifecycle").find("preStop");
  if (hook == nullptr || left.count() == 0) return take_turn(index);
  run_pre_stop(index, *hook, left);
}

void PodWorker::run_pre_stop(std::size_t index, const Value& hook, Duration limit) {
  const auto then = [weak = weak_from_this(), index, pid = slots_[index].pid](const ProbeResult& result) {
    const auto self = weak.lock();
    if (!self || self->slots_[index].pid != pid) return;
    if (!result.ok) self->note("Warning", "FailedPreStopHook", "PreStopHook failed: " + result.message);
    if (self->slots_[index].ending == Ending::kHook) self->take_turn(index);
  };
  if (const Value* sleep = hook.find("sleep")) {
    const Duration time = std::min<Duration>(limit, std::chrono::seconds(sleep->at("seconds").int_or(0)));
    services_.loop.after(time, [then] { then({true, false, ""}); });
    return;
  }
  attempt(services_.loop, services_.runtime, hook, target(index), limit, then);
}

/// Its hook is done: its signal comes now, or once it is a sidecar's turn. The deadline does not wait for that.
void PodWorker::take_turn(std::size_t index) {
  slots_[index].ending = Ending::kTurn;
  if ((!stopping_ && !over_) || is_turn(index)) signal(index);
}

/// Sidecars end after every main container, in the reverse of the order in which they started
/// (pkg/kubelet/kuberuntime/kuberuntime_termination_order.go).
bool PodWorker::is_turn(std::size_t index) const {
  if (record_.containers[index].kind != Kind::kSidecar) return true;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Kind kind = record_.containers[i].kind;
    const bool before = kind == Kind::kMain || (kind == Kind::kSidecar && i > index);
    if (before && is_active(i)) return false;
  }
  return true;
}

void PodWorker::signal(std::size_t index) {
  auto& slot = slots_[index];
  if (slot.pid == 0 || slot.ending == Ending::kSignalled) return;
  slot.ending = Ending::kSignalled;
  force_after(index, kLeastAfterSignal);
  ::kill(slot.pid, signal_number(slot.stop_signal).value_or(SIGTERM));
}

void PodWorker::force_after(std::size_t index, Duration least) {
  later(slots_[index].kill, std::max(left_until(slots_[index].deadline), least), [this, index] {
    if (slots_[index].pid != 0) ::kill(slots_[index].pid, SIGKILL);
  });
}

std::string PodWorker::termination_message(std::size_t index, int code) const {
  const auto& container = record_.containers[index];
  std::string text = read_file(files_.termination_file(container.name()), kMaxTerminationMessage).value_or("");
  const bool logs = container.spec.at("terminationMessagePolicy").str() == "FallbackToLogsOnError";
  if (text.empty() && logs && code != 0 && slots_[index].log) {
    text = slots_[index].log->tail(kLogLinesInMessage, kLogBytesInMessage);
  }
  return text;
}

void PodWorker::ended(std::size_t index, Exit exit) {
  auto& container = record_.containers[index];
  auto& slot = slots_[index];
  if (gone_) return;
  services_.loop.cancel(slot.kill);
  slot.probes.clear();
  if (slot.log) slot.log->finish();
  container.ended = {exit.code,
                     exit.code == 0 ? "Completed" : "Error",
                     termination_message(index, exit.code),
                     container.started_at,
                     now(),
                     container.container_id};
  if (slot.out_of_memory) container.ended.reason = "OOMKilled";
  if (slot.failed_start) {
    container.ended.reason = "StartError";
    container.ended.message = container.message;
  }
  slot.failed_start = false;
  container.state = State::kTerminated;
  container.message.clear();
  container.ready = false;
  container.started = false;
  container.hook_running = false;
  slot.log.reset();
  slot.dns.reset();
  slot.pid = 0;
  slot.ending = Ending::kNone;
  services_.runtime.remove(slot.id);
  files_.remove_root(container.name());
  if (!stopping_ && !over_) restart(index);
  settle();
}

/// Decides whether and when an ended container starts again.
void PodWorker::restart(std::size_t index) {
  auto& container = record_.containers[index];
  auto& slot = slots_[index];
  const auto policy = pod_->at("spec", "restartPolicy").string_or("Always");
  const bool well = container.ended.exit_code == 0;
  bool again = policy == "Always" || (policy == "OnFailure" && !well);
  if (container.kind == Kind::kSidecar) again = true;
  if (container.kind == Kind::kInit) again = !well && policy != "Never";
  const bool redefined = std::exchange(slot.ended_well, false);
  if (!again && !redefined) return;
  const Duration delay = redefined ? Duration{0} : slot.backoff.next(container.ended.finished - container.started_at);
  container.last = container.ended;
  ++container.restarts;
  // Kept are the log of the start that ended just now and that of the next, as the kubelet does
  // (MaxPerPodContainerCount of pkg/kubelet/container/container_gc.go).
  remove_log(log_path(index, container.restarts - 2));
  container.state = State::kWaiting;
  container.reason = "ContainerCreating";
  if (delay.count() == 0) return;
  container.reason = "CrashLoopBackOff";
  container.message = fmt::format("back-off {} restarting failed container={} pod={}", format_duration(delay),
                                  container.name(), full_name());
  note("Warning", "BackOff",
       fmt::format("Back-off restarting failed container {} in pod {}", container.name(), full_name()));
  later(slot.restart, delay, [this, index] {
    slots_[index].restart = {};
    launch(index);
  });
}

void PodWorker::out_of_memory(const std::string& name) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (record_.containers[i].name() != name || slots_[i].pid == 0) continue;
    slots_[i].out_of_memory = true;
    ::kill(slots_[i].pid, SIGKILL);
  }
}

}  // namespace fairlead::node
