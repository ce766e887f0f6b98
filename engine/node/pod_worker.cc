#include "engine/node/pod_worker.h"

#include <signal.h>

#include <algorithm>

#include "base/quantity.h"
#include "engine/node/files.h"
#include "engine/node/moments.h"

namespace fairlead::node {

namespace {

constexpr Duration kRetry{5'000};
constexpr Duration kPortRetry{2'000};
/// "No matter what, we always supply a grace period of 1" (calculateEffectiveGracePeriod of
/// pkg/kubelet/pod_workers.go).
constexpr Duration kLeastGrace{1'000};

using Kind = ContainerRecord::Kind;
using State = ContainerRecord::State;

std::vector<ContainerRecord> containers_of(const Value& pod) {
  std::vector<ContainerRecord> out;
  for (const auto& spec : pod.at("spec", "initContainers").items()) {
    ContainerRecord record;
    record.spec = spec;
    record.kind = spec.at("restartPolicy").str() == "Always" ? Kind::kSidecar : Kind::kInit;
    record.reason = "PodInitializing";
    out.push_back(std::move(record));
  }
  const bool has_init = !out.empty();
  for (const auto& spec : pod.at("spec", "containers").items()) {
    ContainerRecord record;
    record.spec = spec;
    if (has_init) record.reason = "PodInitializing";
    out.push_back(std::move(record));
  }
  return out;
}

PodPlaces places(const NodeServices& services, const std::string& uid) {
  return {services.memory_directory + "/pods/" + uid, services.volume_directory + "/" + uid,
          services.layer_directory + "/" + uid};
}

}  // namespace

PodWorker::PodWorker(NodeServices& services, std::shared_ptr<const Value> pod, seam::PodInputs inputs)
    : services_(services),
      loop_(services.loop),
      pod_(std::move(pod)),
      given_(std::move(inputs)),
      uid_(pod_->at("metadata", "uid").str()),
      files_(places(services, uid_), services.privileged, services.trash) {
  record_.pod = pod_.get();
  record_.start_time = now();
  record_.containers = containers_of(*pod_);
  record_.host_address = format_address(kNodeAddress);
  slots_.resize(record_.containers.size());
}

PodWorker::~PodWorker() {
  for (auto* timer : {&retry_, &port_retry_, &deadline_}) loop_.cancel(*timer);
  for (auto& slot : slots_) {
    loop_.cancel(slot.restart);
    loop_.cancel(slot.kill);
  }
}

std::string PodWorker::full_name() const {
  return fmt::format("{}_{}({})", pod_->at("metadata", "name").str(), pod_->at("metadata", "namespace").str(), uid_);
}

void PodWorker::later(Loop::Timer& timer, Duration delay, std::move_only_function<void()> task) {
  services_.loop.cancel(timer);
  timer = services_.loop.after(delay, [weak = weak_from_this(), task = std::move(task)]() mutable {
    if (const auto self = weak.lock(); self && !self->gone_) task();
  });
}

void PodWorker::note(const char* type, const char* reason, std::string message) {
  notes_.push_back({type, reason, std::move(message)});
  changed();
}

/// Gathers what one turn of the loop changes into one report.
void PodWorker::changed() {
  if (report_pending_ || gone_) return;
  report_pending_ = true;
  services_.loop.post([self = shared_from_this()] {
    self->report_pending_ = false;
    if (self->gone_) return;
    self->services_.report({self->uid_, pod_status(self->record_, now()), false, std::exchange(self->notes_, {})});
  });
}

void PodWorker::start() {
  restore();
  const auto limit = pod_->at("spec", "activeDeadlineSeconds");
  if (limit.is_int()) {
    // Counted from the pod's start, which may have been before the node's (pkg/kubelet/active_deadline.go).
    const Duration left = record_.start_time + std::chrono::seconds(limit.int_or(0)) - now();
    later(deadline_, std::max(left, Duration{0}), [this] {
      record_.failed_reason = "DeadlineExceeded";
      record_.failed_message = "Pod was active on the node longer than the specified deadline";
      note("Normal", "DeadlineExceeded", record_.failed_message);
      settle();
    });
  }
  changed();
  prepare_pod();
}

/// The pod ran on this machine before the node was started again: its counts go on.
void PodWorker::restore() {
  if (const auto start = parse_time(pod_->at("status", "startTime").str())) record_.start_time = *start;
  for (const auto& condition : pod_->at("status", "conditions").items()) {
    const auto since = parse_time(condition.at("lastTransitionTime").str());
    if (since)
      record_.transitions[std::string(condition.at("type").str())] = {std::string(condition.at("status").str()),
                                                                      *since};
  }
  for (std::size_t index = 0; index < record_.containers.size(); ++index) {
    auto& container = record_.containers[index];
    const char* list = container.kind == Kind::kMain ? "containerStatuses" : "initContainerStatuses";
    for (const auto& status : pod_->at("status", list).items()) {
      if (status.at("name").str() != container.spec.at("name").str()) continue;
      container.restarts = static_cast<int>(status.at("restartCount").int_or(0));
      const Value* running = status.at("state").find("running");
      if (running == nullptr) continue;
      ++container.restarts;
      remove_log(log_path(index, container.restarts - 2));
      container.last = Termination{137,
                                   "ContainerStatusUnknown",
                                   "The node was stopped while the container ran",
                                   parse_time(running->at("startedAt").str()).value_or(Time{}),
                                   now(),
                                   std::string(status.at("containerID").str())};
    }
  }
}

void PodWorker::prepare_pod() {
  if (!record_.has_network) {
    auto made = services_.network.add_pod();
    if (!made) {
      note("Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: " + made.error().message);
      return later(retry_, kRetry, [this] { prepare_pod(); });
    }
    network_ = std::move(*made);
    record_.has_network = true;
    record_.address = format_address(network_.address);
    changed();
  }
  inputs_ = with_pod_address(given_, record_.address);
  const std::string ns(pod_->at("metadata", "namespace").str());
  const auto ok = files_.create(*pod_, inputs_, record_.address, services_.dns_address, services_.is_platform(ns));
  if (!ok) {
    note("Warning", "FailedMount", ok.error().message);
    return later(retry_, kRetry, [this] { prepare_pod(); });
  }
  prepared_ = true;
  open_host_ports();
  advance();
}

void PodWorker::open_host_ports() {
  bool missing = false;
  for (const auto& container : record_.containers) {
    for (const auto& port : container.spec.at("ports").items()) {
      const auto host = static_cast<std::uint16_t>(port.at("hostPort").int_or(0));
      if (host == 0 || std::ranges::find(host_ports_, host) != host_ports_.end()) continue;
      const auto target = static_cast<std::uint16_t>(port.at("containerPort").int_or(0));
      if (const auto ok = services_.ports.open(host, network_.address, target, port_noted_); ok) {
        host_ports_.push_back(host);
        continue;
      } else if (!std::exchange(port_noted_, true)) {
        note("Warning", "HostPortConflict", ok.error().message);
      }
      missing = true;
    }
  }
  if (missing) later(port_retry_, kPortRetry, [this] { open_host_ports(); });
}

/// Starts what may be started now. Called whenever anything has changed. Nothing runs before the policies that select
/// the pod are in the kernel, or its first packets would meet none.
void PodWorker::advance() {
  if (!prepared_ || stopping_ || over_ || gone_) return;
  if (!services_.is_programmed(uid_, record_.address)) return;
  if (!advance_init()) return;
  record_.initialized = true;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& container = record_.containers[i];
    if (container.kind != Kind::kMain) continue;
    if (is_idle(i)) launch(i);
    // The kubelet starts the next one when the hook of the one before has returned.
    const bool starting = slots_[i].launching || container.hook_running;
    if (starting && container.spec.at("lifecycle").has("postStart")) return;
  }
}

/// Init containers one after the other; true when the main ones may start. Once they may, only sidecars start again,
/// and nobody waits for them.
bool PodWorker::advance_init() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& container = record_.containers[i];
    if (container.kind == Kind::kMain || (record_.initialized && container.kind == Kind::kInit)) continue;
    const bool done = container.kind == Kind::kSidecar
                          ? container.started
                          : container.state == State::kTerminated && container.ended.exit_code == 0;
    if (done) continue;
    if (is_idle(i)) launch(i);
    if (!record_.initialized) return false;
  }
  return true;
}

/// Whether it may be started.
bool PodWorker::is_idle(std::size_t index) const {
  const Slot& slot = slots_[index];
  return record_.containers[index].state == State::kWaiting && !slot.launching && slot.restart == Loop::Timer{};
}

bool PodWorker::is_active(std::size_t index) const {
  return slots_[index].launching || record_.containers[index].state == State::kRunning;
}

bool PodWorker::any_active() const {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (is_active(i)) return true;
  }
  return false;
}

/// After an end: is the pod over, or on its way out?
void PodWorker::settle() {
  changed();
  if (stopping_) return stop_containers();
  const std::string phase = pod_phase(record_);
  if (!over_ && phase != "Succeeded" && phase != "Failed") return advance();
  if (!std::exchange(over_, true)) stop_deadline_ = std::chrono::steady_clock::now() + grace();
  for (auto& slot : slots_) services_.loop.cancel(slot.restart);
  quiet_probes();
  stop_containers();
}

void PodWorker::update(std::shared_ptr<const Value> pod, seam::PodInputs inputs) {
  pod_ = std::move(pod);
  record_.pod = pod_.get();
  if (gone_) return;
  if (!(inputs == given_)) {
    given_ = std::move(inputs);
    if (prepared_) {
      inputs_ = with_pod_address(given_, record_.address);
      if (auto ok = files_.update(*pod_, inputs_); !ok) note("Warning", "FailedMount", ok.error().message);
    }
  }
  auto fresh = containers_of(*pod_);
  for (std::size_t i = 0; i < std::min(fresh.size(), slots_.size()); ++i) {
    auto& container = record_.containers[i];
    if (fresh[i].name() != container.name()) continue;
    const bool new_image = fresh[i].spec.at("image") != container.spec.at("image");
    container.spec = std::move(fresh[i].spec);
    if (!new_image || stopping_ || over_) continue;
    services_.loop.cancel(slots_[i].restart);
    slots_[i].restart = {};
    slots_[i].backoff = {};
    if (container.state != State::kRunning) continue;
    slots_[i].ended_well = true;
    kill(i, std::chrono::steady_clock::now() + grace(),
         fmt::format("Container {} definition changed, will be restarted", container.name()));
  }
  changed();
  advance();
}

void PodWorker::stop(Duration grace) {
  if (gone_) return;
  const auto deadline = std::chrono::steady_clock::now() + std::max(grace, kLeastGrace);
  if (stopping_ && deadline >= stop_deadline_) return;
  stop_deadline_ = deadline;
  stopping_ = true;
  for (auto* timer : {&retry_, &port_retry_, &deadline_}) services_.loop.cancel(*timer);
  for (auto& slot : slots_) services_.loop.cancel(slot.restart);
  quiet_probes();
  stop_containers();
}

void PodWorker::abandon() {
  gone_ = true;
  for (const Running& each : running()) ::kill(each.pid, SIGKILL);
  files_.remove();
}

/// Gives back what only running containers need.
void PodWorker::release() {
  if (std::exchange(released_, true)) return;
  for (const auto port : host_ports_) services_.ports.close(port, network_.address);
  host_ports_.clear();
  services_.network.remove_pod(network_);
  record_.has_network = false;
  files_.remove();
  changed();
}

void PodWorker::finish() {
  if (gone_) return;
  release();
  gone_ = true;
  services_.report({uid_, pod_status(record_, now()), true, std::exchange(notes_, {})});
}

std::vector<PodWorker::Running> PodWorker::running() const {
  std::vector<Running> out;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].pid == 0) continue;
    const auto& spec = record_.containers[i].spec;
    out.push_back(
        {record_.containers[i].name(), slots_[i].pid, Quantity::of(spec.at("resources", "limits", "memory")).value()});
  }
  return out;
}

std::vector<std::string> PodWorker::unpacked() const {
  std::vector<std::string> out;
  for (std::size_t i = 0; !released_ && i < slots_.size(); ++i) {
    if (!slots_[i].image.empty()) out.push_back(slots_[i].image);
    // What its next start is made of may be another, or its first.
    const auto next = services_.images.digest_of(std::string(record_.containers[i].spec.at("image").str()));
    if (next) out.push_back(next->substr(next->find(':') + 1));
  }
  return out;
}

Result<PodWorker::LogPlace> PodWorker::log(const std::string& container, bool previous) const {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& record = record_.containers[i];
    if (record.name() != container) continue;
    // Between two starts the log to show is that of the start before.
    const bool between = record.state == State::kWaiting;
    const int start = record.restarts - (previous ? 1 : 0) - (between && record.last && !previous ? 1 : 0);
    if (start < 0 && previous)
      return fail("previous terminated container \"{}\" in pod \"{}\" not found", container, full_name());
    if (between && !record.last) {
      return fail("container \"{}\" in pod \"{}\" is waiting to start: {}", container,
                  pod_->at("metadata", "name").str(), record.reason);
    }
    return LogPlace{log_path(i, start), !previous && record.state == State::kRunning ? slots_[i].log.get() : nullptr};
  }
  return fail("container {} is not valid for pod {}", container, pod_->at("metadata", "name").str());
}

}  // namespace fairlead::node
