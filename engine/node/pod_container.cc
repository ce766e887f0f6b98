// One container of a pod: from its image to its end and its next start.
#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/image_reference.h"
#include "base/json.h"
#include "engine/node/files.h"
#include "engine/node/moments.h"
#include "engine/node/pod_worker.h"
#include "engine/node/unpack.h"

namespace fairlead::node {

namespace {

constexpr Duration kRetry{5'000};
constexpr Duration kImageRetry{2'000};
/// A postStart hook may take as long as it likes.
constexpr Duration kNoLimit = std::chrono::days(365);

using Kind = ContainerRecord::Kind;
using State = ContainerRecord::State;

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
  if (stopping_ || over_) return settle();
  later(slots_[index].restart, retry, [this, index] {
    slots_[index].restart = {};
    launch(index);
  });
  advance();  // Whoever waited for this one to start.
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
  if (stopping_ || over_) return settle();
  later(slots_[index].restart, kImageRetry, [this, index] {
    slots_[index].restart = {};
    launch(index);
  });
  advance();
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
  slot.image = image->digest.substr(7);
  const std::string unpacked = services_.rootfs_directory + "/" + slot.image;
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
  if (gone_) {
    if (pid && *pid > 0) ::kill(*pid, SIGKILL);
    return;
  }
  slot.launching = false;
  container.container_id = "crun://" + slot.id;
  container.state = State::kRunning;
  container.started_at = now();
  container.reason.clear();
  container.message.clear();
  slot.ending = Ending::kNone;
  slot.out_of_memory = false;
  slot.started_at = std::chrono::steady_clock::now();
  if (!pid) {
    note("Warning", "Failed", "Error: failed to start container \"" + container.name() + "\": " + pid.error().message);
    slot.failed_start = true;
    container.message = pid.error().message;
    return ended(index, {128, 0});
  }
  slot.pid = *pid;
  note("Normal", "Started", "Started container " + container.name());
  if (stopping_ || over_) return settle();
  const Value* hook = container.spec.at("lifecycle").find("postStart");
  if (hook == nullptr || slot.pid == 0) return came_up(index);
  // Until the hook has returned nobody sees the container run, and nothing that follows on its start begins.
  container.hook_running = true;
  container.reason = "ContainerCreating";
  changed();
  run_post_start(index, *hook);
}

void PodWorker::run_post_start(std::size_t index, const Value& hook) {
  const auto then = [weak = weak_from_this(), index, pid = slots_[index].pid](const ProbeResult& result) {
    const auto self = weak.lock();
    if (!self || self->slots_[index].pid != pid || self->slots_[index].ending != Ending::kNone) return;
    if (result.ok) return self->came_up(index);
    auto& container = self->record_.containers[index];
    container.reason = "PostStartHookError";
    container.message = result.message;
    self->note("Warning", "FailedPostStartHook", "PostStartHook failed: " + result.message);
    self->kill(index, std::chrono::steady_clock::now() + self->grace(),
               fmt::format("Container {} failed its postStart hook", container.name()));
  };
  if (const Value* sleep = hook.find("sleep")) {
    services_.loop.after(std::chrono::seconds(sleep->at("seconds").int_or(0)), [then] { then({true, false, ""}); });
    return;
  }
  attempt(services_.loop, services_.runtime, hook, target(index), kNoLimit, then);
}

/// The container runs and its postStart hook is done.
void PodWorker::came_up(std::size_t index) {
  auto& container = record_.containers[index];
  container.hook_running = false;
  container.reason.clear();
  container.started = !container.spec.has("startupProbe");
  container.ready = container.started && !container.spec.has("readinessProbe");
  start_probes(index);
  changed();
  advance();
}

void PodWorker::start_probes(std::size_t index) {
  const auto& spec = record_.containers[index].spec;
  if (!record_.containers[index].started) return add_probe(index, "startupProbe");
  for (const char* kind : {"livenessProbe", "readinessProbe"}) {
    const bool asked = !stopping_ || std::string_view(kind) == "readinessProbe";
    if (spec.has(kind) && asked) add_probe(index, kind);
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
  const ProbePlan plan{slots_[index].started_at, kind != "readinessProbe"};
  slots_[index].probes[kind] = std::make_unique<ProbeWorker>(services_.loop, services_.runtime, probe, target(index),
                                                             plan, std::move(callbacks));
}

void PodWorker::probe_failed(std::size_t index, std::string_view kind) {
  auto& container = record_.containers[index];
  if (kind == "readinessProbe") {
    container.ready = false;
    return changed();
  }
  const Value& probe = container.spec.at(kind);
  const Value& own = probe.at("terminationGracePeriodSeconds");
  const Duration time = own.is_int() ? std::chrono::seconds(own.int_or(0)) : grace();
  const char* word = kind == "startupProbe" ? "startup" : "liveness";
  kill(index, std::chrono::steady_clock::now() + time,
       fmt::format("Container {} failed {} probe, will be restarted", container.name(), word));
}

ProbeTarget PodWorker::target(std::size_t index) const {
  const auto& slot = slots_[index];
  return {network_.address, {slot.id, slot.pid, slot.environment, slot.user}, &record_.containers[index].spec};
}

}  // namespace fairlead::node
