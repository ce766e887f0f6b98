// One container of a pod: from its image to its end and its next start.
#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/image_reference.h"
#include "base/json.h"
#include "engine/node/files.h"
#include "engine/node/pod_worker.h"
#include "engine/node/unpack.h"

namespace fairlead::node {

namespace {

constexpr Duration kRetry{5'000};
constexpr Duration kImageRetry{2'000};
constexpr Duration kAfterPreStop{2'000};
constexpr Duration kDefaultGrace{30'000};
constexpr std::size_t kMaxTerminationMessage = 4096;
constexpr std::size_t kLogLinesInMessage = 80;
constexpr std::size_t kLogBytesInMessage = 2048;

using Kind = ContainerRecord::Kind;
using State = ContainerRecord::State;

Time now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

int signal_number(std::string_view name) {
  if (name == "SIGINT") return SIGINT;
  if (name == "SIGQUIT") return SIGQUIT;
  if (name == "SIGHUP") return SIGHUP;
  if (name == "SIGUSR1") return SIGUSR1;
  if (name == "SIGUSR2") return SIGUSR2;
  if (name == "SIGWINCH") return SIGWINCH;
  if (name == "SIGKILL") return SIGKILL;
  return SIGTERM;
}

}  // namespace

std::string PodWorker::log_path(std::size_t index, int start) const {
  return fmt::format("{}/{}_{}_{}/{}/{}.log", services_.log_directory, pod_->at("metadata", "namespace").str(),
                     pod_->at("metadata", "name").str(), uid_, record_.containers[index].name(), start);
}

void PodWorker::wait_for(std::size_t index, const char* reason, const std::string& message, Duration retry) {
  auto& container = record_.containers[index];
  const bool same = container.reason == reason && container.message == message;
  container.state = State::kWaiting;
  container.reason = reason;
  container.message = message;
  slots_[index].launching = false;
  if (!same) note("Warning", "Failed", "Error: " + message);
  changed();
  if (stopping_) return stop_containers();
  later(slots_[index].restart, retry, [this, index] {
    slots_[index].restart = {};
    launch(index);
  });
}

/// First ErrImagePull, then ImagePullBackOff; looked for again and again, since a build may make it appear.
void PodWorker::image_missing(std::size_t index, const std::string& message) {
  auto& container = record_.containers[index];
  const bool again = container.reason == "ErrImagePull" || container.reason == "ImagePullBackOff";
  const bool never = container.spec.at("imagePullPolicy").str() == "Never";
  if (!again) {
    note("Warning", "Failed", message);
    note("Normal", "BackOff", fmt::format("Back-off pulling image \"{}\"", container.spec.at("image").str()));
  }
  container.state = State::kWaiting;
  container.reason = never ? "ErrImageNeverPull" : again ? "ImagePullBackOff" : "ErrImagePull";
  container.message = message;
  slots_[index].launching = false;
  changed();
  if (stopping_) return stop_containers();
  later(slots_[index].restart, kImageRetry, [this, index] {
    slots_[index].restart = {};
    launch(index);
  });
}

void PodWorker::launch(std::size_t index) {
  auto& container = record_.containers[index];
  auto& slot = slots_[index];
  if (stopping_ || over_ || slot.launching || container.state == State::kRunning) return;
  slot.launching = true;
  slot.restart = {};
  if (container.reason == "PodInitializing" || container.reason == "CrashLoopBackOff") {
    container.reason = "ContainerCreating";
    container.message.clear();
  }
  const std::string reference(container.spec.at("image").str());
  const std::string name = ImageReference::parse(reference).name;
  if (name == kDnsImage || name == kHostImage) {
    if (!services_.is_platform(std::string(pod_->at("metadata", "namespace").str()))) {
      return wait_for(index, "CreateContainerConfigError",
                      "only pods of the platform's own namespaces may use the image " + reference, kRetry);
    }
    container.image_id = reference;
    return name == kDnsImage ? start_dns(index) : prepare(index, Image{}, "");
  }
  const auto image = services_.images.find(reference);
  if (!image) return image_missing(index, image.error().message);
  container.image_id = name + "@" + image->digest;
  const std::string unpacked = services_.rootfs_directory + "/" + image->digest.substr(7);
  std::error_code error;
  if (std::filesystem::exists(unpacked, error)) return prepare(index, *image, unpacked);
  services_.background([this, weak = weak_from_this(), index, image = *image, &loop = services_.loop,
                        &store = services_.images, directory = services_.rootfs_directory] {
    auto done = unpack_image(store, image, directory);
    loop.post([this, weak, index, image, done = std::move(done)] {
      const auto self = weak.lock();
      if (!self || gone_) return;
      if (!done) return image_missing(index, done.error().message);
      prepare(index, image, *done);
    });
  });
}

Result<ContainerPlan> PodWorker::plan(std::size_t index, const Image& image, const std::string& unpacked) {
  const auto& container = record_.containers[index];
  ContainerPlan plan;
  plan.pod = pod_.get();
  plan.container = &container.spec;
  plan.image = image;
  auto root = unpacked.empty() ? files_.host_root(container.name()) : files_.image_root(container.name(), unpacked);
  if (!root) return std::unexpected(root.error());
  plan.root = std::move(*root);
  plan.network = fmt::format("/proc/1/fd/{}", network_.ns.get());
  plan.hostname = pod_hostname(*pod_);
  if (const auto found = inputs_.env.find(container.name()); found != inputs_.env.end())
    plan.environment = found->second;
  plan.privileged_node = services_.privileged;
  auto user = container_user(*pod_, container.spec, image, plan.root);
  if (!user) return std::unexpected(user.error());
  plan.user = std::move(*user);
  auto mounts = files_.mounts(container.spec, plan.environment);
  if (!mounts) return std::unexpected(mounts.error());
  plan.mounts = std::move(*mounts);
  return plan;
}

void PodWorker::prepare(std::size_t index, const Image& image, const std::string& unpacked) {
  auto& container = record_.containers[index];
  auto& slot = slots_[index];
  if (stopping_ || over_) {
    slot.launching = false;
    return settle();
  }
  note("Normal", "Pulled",
       fmt::format("Container image \"{}\" already present on machine", container.spec.at("image").str()));
  const auto planned = plan(index, image, unpacked);
  if (!planned) return wait_for(index, "CreateContainerConfigError", planned.error().message, kRetry);
  const auto config = container_config(*planned);
  if (!config) return wait_for(index, "CreateContainerConfigError", config.error().message, kRetry);
  slot.user = planned->user;
  slot.environment.clear();
  for (const auto& entry : config->at("process", "env").items()) slot.environment.emplace_back(entry.str());
  const std::string bundle = files_.bundle(container.name());
  if (auto ok = write_file(bundle + "/config.json", to_json(*config)); !ok) {
    return wait_for(index, "CreateContainerError", ok.error().message, kRetry);
  }
  const Value& lifecycle = container.spec.at("lifecycle", "stopSignal");
  slot.stop_signal = lifecycle.string_or(image.stop_signal);
  slot.id = fmt::format("{}-{}-{}", uid_, container.name(), container.restarts);
  slot.log = std::make_unique<ContainerLog>(services_.loop, log_path(index, container.restarts));
  Descriptor output;
  Descriptor errors;
  if (auto ok = slot.log->open(output, errors); !ok) {
    return wait_for(index, "CreateContainerError", ok.error().message, kRetry);
  }
  note("Normal", "Created", "Created container: " + container.name());
  services_.runtime.start(
      slot.id, bundle, output.get(), errors.get(),
      [self = shared_from_this(), index](const Result<pid_t>& pid) { self->started(index, pid); },
      [self = shared_from_this(), index](Exit exit) { self->ended(index, exit); });
}

/// The container without a process: its work is done by the node, inside its network namespace.
void PodWorker::start_dns(std::size_t index) {
  auto& slot = slots_[index];
  slot.dns = std::make_unique<DnsServer>(services_.loop, services_.dns);
  if (auto ok = slot.dns->start(services_.network, network_); !ok) {
    slot.dns.reset();
    return wait_for(index, "CreateContainerError", ok.error().message, kRetry);
  }
  slot.id = uid_ + "-" + record_.containers[index].name();
  started(index, 0);
}

void PodWorker::started(std::size_t index, const Result<pid_t>& pid) {
  auto& container = record_.containers[index];
  auto& slot = slots_[index];
  slot.launching = false;
  container.container_id = "crun://" + slot.id;
  container.state = State::kRunning;
  container.started_at = now();
  container.reason.clear();
  container.message.clear();
  slot.killing = false;
  slot.out_of_memory = false;
  if (!pid) {
    note("Warning", "Failed", "Error: failed to start container \"" + container.name() + "\": " + pid.error().message);
    slot.failed_start = true;
    container.message = pid.error().message;
    return ended(index, {128, 0});
  }
  slot.pid = *pid;
  note("Normal", "Started", "Started container " + container.name());
  container.started = !container.spec.has("startupProbe");
  container.ready = container.started && !container.spec.has("readinessProbe");
  if (stopping_ || over_) return settle();
  post_start(index);
  start_probes(index);
  changed();
  if (container.kind != Kind::kMain) advance();
}

void PodWorker::post_start(std::size_t index) {
  const Value* hook = record_.containers[index].spec.at("lifecycle").find("postStart");
  if (hook == nullptr || hook->has("sleep")) return;
  auto& slot = slots_[index];
  attempt(services_.loop, services_.runtime, *hook, target(index), kDefaultGrace,
          [weak = weak_from_this(), index, pid = slot.pid](const ProbeResult& result) {
            const auto self = weak.lock();
            if (!self || result.ok || self->slots_[index].pid != pid) return;
            self->note("Warning", "FailedPostStartHook", "PostStartHook failed: " + result.message);
            self->kill(index, kDefaultGrace,
                       fmt::format("Container {} failed its postStart hook", self->record_.containers[index].name()));
          });
}

void PodWorker::start_probes(std::size_t index) {
  const auto& spec = record_.containers[index].spec;
  if (!record_.containers[index].started) return add_probe(index, "startupProbe");
  for (const char* kind : {"livenessProbe", "readinessProbe"}) {
    if (spec.has(kind)) add_probe(index, kind);
  }
}

void PodWorker::add_probe(std::size_t index, std::string_view kind) {
  auto& container = record_.containers[index];
  const Value& probe = container.spec.at(kind);
  ProbeWorker::Callbacks callbacks;
  const std::string word = kind == "startupProbe" ? "Startup" : kind == "livenessProbe" ? "Liveness" : "Readiness";
  callbacks.unhealthy = [this, word](const std::string& message) {
    note("Warning", "Unhealthy", fmt::format("{} probe failed: {}", word, message));
  };
  callbacks.succeeded = [this, index, kind] {
    auto& record = record_.containers[index];
    if (kind == "readinessProbe") record.ready = true;
    if (kind == "startupProbe") {
      record.started = true;
      record.ready = !record.spec.has("readinessProbe");
      // The worker that calls this is among those replaced: let it return first.
      services_.loop.post([weak = weak_from_this(), index, pid = slots_[index].pid] {
        const auto self = weak.lock();
        if (!self || self->slots_[index].pid != pid || pid == 0) return;
        self->slots_[index].probes.clear();
        self->start_probes(index);
        self->advance();
      });
    }
    changed();
  };
  callbacks.failed = [this, index, kind] { probe_failed(index, kind); };
  slots_[index].probes.push_back(
      std::make_unique<ProbeWorker>(services_.loop, services_.runtime, probe, target(index), std::move(callbacks)));
}

void PodWorker::probe_failed(std::size_t index, std::string_view kind) {
  auto& container = record_.containers[index];
  if (kind == "readinessProbe") {
    container.ready = false;
    return changed();
  }
  const Value& probe = container.spec.at(kind);
  const auto pod_grace = pod_->at("spec", "terminationGracePeriodSeconds").int_or(kDefaultGrace.count() / 1000);
  const auto grace = probe.at("terminationGracePeriodSeconds").int_or(pod_grace);
  const char* word = kind == "startupProbe" ? "startup" : "liveness";
  kill(index, std::chrono::seconds(grace),
       fmt::format("Container {} failed {} probe, will be restarted", container.name(), word));
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
  // A probe's callback may have led here: its worker goes once it has returned.
  auto probes = std::make_shared<std::vector<std::unique_ptr<ProbeWorker>>>(std::move(slot.probes));
  slot.probes.clear();
  services_.loop.post([probes] {});
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
  slot.log.reset();
  slot.dns.reset();
  slot.pid = 0;
  slot.killing = false;
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

void PodWorker::kill(std::size_t index, Duration grace, const std::string& message) {
  auto& slot = slots_[index];
  const auto& container = record_.containers[index];
  if (container.state != State::kRunning) return;
  const auto deadline = std::chrono::steady_clock::now() + grace;
  if (slot.killing && deadline >= slot.deadline) return;
  slot.deadline = deadline;
  const auto force = [this, index] {
    if (slots_[index].pid != 0) ::kill(slots_[index].pid, SIGKILL);
  };
  const bool first = !std::exchange(slot.killing, true);
  if (first) note("Normal", "Killing", message);
  if (slot.pid == 0) {
    // Served by the node itself: ended as soon as it is told to.
    services_.loop.post([weak = weak_from_this(), index] {
      if (const auto self = weak.lock(); self && self->slots_[index].dns) self->ended(index, {0, 0});
    });
    return;
  }
  if (grace.count() <= 0) return force();
  later(slot.kill, grace, force);
  if (!first) return;
  const Value* hook = container.spec.at("lifecycle").find("preStop");
  if (hook == nullptr) return signal(index);
  const auto then = [weak = weak_from_this(), index, pid = slot.pid, force](const ProbeResult& result) {
    const auto self = weak.lock();
    if (!self || self->slots_[index].pid != pid) return;
    if (!result.ok) self->note("Warning", "FailedPreStopHook", "PreStopHook failed: " + result.message);
    auto& own = self->slots_[index];
    const auto left = std::chrono::ceil<Duration>(own.deadline - std::chrono::steady_clock::now());
    self->later(own.kill, std::max(left, kAfterPreStop), force);
    self->signal(index);
  };
  if (const Value* sleep = hook->find("sleep")) {
    const Duration time = std::min<Duration>(grace, std::chrono::seconds(sleep->at("seconds").int_or(0)));
    services_.loop.after(time, [then] { then({true, false, ""}); });
    return;
  }
  attempt(services_.loop, services_.runtime, *hook, target(index), grace, then);
}

ProbeTarget PodWorker::target(std::size_t index) const {
  const auto& slot = slots_[index];
  return {network_.address, {slot.id, slot.pid, slot.environment, slot.user}, &record_.containers[index].spec};
}

void PodWorker::signal(std::size_t index) {
  if (slots_[index].pid != 0) ::kill(slots_[index].pid, signal_number(slots_[index].stop_signal));
}

void PodWorker::out_of_memory(const std::string& name) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (record_.containers[i].name() != name || slots_[i].pid == 0) continue;
    slots_[i].out_of_memory = true;
    ::kill(slots_[i].pid, SIGKILL);
  }
}

}  // namespace fairlead::node
