#include "engine/node/local_node.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "engine/node/background.h"
#include "engine/node/files.h"
#include "engine/node/log_stream.h"
#include "engine/node/mounts.h"
#include "engine/node/node_status.h"
#include "engine/node/pod_worker.h"
#include "engine/node/ruleset.h"
#include "engine/node/unpack.h"
#include "engine/node/usage.h"
#include "engine/node/usage_window.h"

namespace fairlead::node {

namespace {

constexpr Duration kMemoryCheck{500};
constexpr Duration kProgramRetry{1'000};

}  // namespace

struct LocalNode::State {
  State(LocalNodeOptions given, Inside& where, seam::Executor& executor, Network made, bool layers_on_disk)
      : options(std::move(given)),
        control(executor),
        layers(directory(layers_on_disk ? "run/layers" : "run/live/layers")),
        privileged(where.privileged),
        trash(directory("run/trash")),
        reaper(loop),
        runtime(loop, reaper, directory("run/live/crun")),
        network(std::move(made)),
        images(directory("images")),
        ports(where.outside),
        services(make_services()) {}

  [[nodiscard]] std::string directory(const std::string& name) const { return options.state_directory + "/" + name; }
  NodeServices make_services();
  void remove_logs(const std::function<bool(std::string_view uid)>& unwanted);
  void collect_rootfs();
  void report(seam::PodReport report);
  void apply_program();
  void tell_once(std::vector<std::string> problems);
  void note_programmed(std::string rules, std::vector<seam::KnownPod> pods_known);
  void measure();
  void publish_usage();
  [[nodiscard]] Result<PodWorker::LogPlace> log_place(const seam::LogRequest& request) const;
  void open_log(const seam::LogRequest& request, const std::shared_ptr<LogStream>& stream);
  void end();
  void refresh_zone() { zone = DnsZone(programmed, host_names); }

  LocalNodeOptions options;
  seam::Executor& control;
  std::string layers;
  bool privileged;
  Trash trash;  ///< Outlives everything that may hold a pod, which brings its files here when it goes.
  Loop loop;
  Reaper reaper;
  Runtime runtime;
  Network network;
  ImageStore images;
  HostPorts ports;
  Background background;
  NodeServices services;
  std::map<std::string, std::shared_ptr<PodWorker>> pods;  ///< By uid.
  seam::NetworkProgram programmed;
  std::string rules_in_force;
  std::vector<seam::KnownPod> known;  ///< Whom the rules in force were made for; sorted.
  bool program_refused = false;
  bool program_waiting = false;
  bool program_running = false;
  Loop::Timer program_retry;               ///< One, or a refused program would be tried more and more often.
  std::vector<std::string> told_problems;  ///< Sorted.
  HostNames host_names;
  DnsZone zone;
  UsageReader reader;
  UsageWindow window;
  mutable std::mutex usage_mutex;
  std::vector<seam::PodUsage> usage;
  std::shared_ptr<std::function<void(const seam::PodReport&)>> callback =
      std::make_shared<std::function<void(const seam::PodReport&)>>();
  std::thread thread;
};

NodeServices LocalNode::State::make_services() {
  return {.loop = loop,
          .runtime = runtime,
          .network = network,
          .images = images,
          .ports = ports,
          .trash = trash,
          .privileged = privileged,
          .dns_address = options.dns_address,
          .rootfs_directory = directory("run/rootfs"),
          .memory_directory = directory("run/live"),
          .volume_directory = directory("run/volumes"),
          .layer_directory = layers,
          .log_directory = directory("log/pods"),
          .is_platform =
              [this](const std::string& ns) {
                return std::ranges::find(options.platform_namespaces, ns) != options.platform_namespaces.end();
              },
          .background = [this](std::function<void()> task) { background.run(std::move(task)); },
          .dns = [this](std::string_view query, std::size_t limit) { return zone.answer(query, limit); },
          .is_programmed =
              [this](const std::string& uid, const std::string& address) {
                return std::ranges::binary_search(known, seam::KnownPod{uid, address});
              },
          .report = [this](seam::PodReport done) { report(std::move(done)); }};
}

/// Also those of pods that ran before this process and are not run again.
void LocalNode::State::remove_logs(const std::function<bool(std::string_view uid)>& unwanted) {
  std::error_code none_yet;
  for (const auto& entry : std::filesystem::directory_iterator(services.log_directory, none_yet)) {
    const std::string name = entry.path().filename();
    // Neither namespaces nor pods have an underscore in their names.
    if (unwanted(std::string_view(name).substr(name.rfind('_') + 1))) trash.take(entry.path());
  }
}

/// Of the unpacked images only those stay that a pod uses: others are unpacked again when they are wanted again.
void LocalNode::State::collect_rootfs() {
  std::set<std::string> used;
  for (const auto& [uid, pod] : pods) {
    for (std::string& digest : pod->unpacked()) used.insert(std::move(digest));
  }
  std::error_code error;
  for (const auto& tree : std::filesystem::directory_iterator(services.rootfs_directory, error)) {
    const std::string name = tree.path().filename();
    const bool unfinished = name.starts_with('.');
    if (!unfinished && !used.contains(name)) trash.take(tree.path());
  }
}

void LocalNode::State::report(seam::PodReport done) {
  if (done.stopped) {
    remove_logs([&](std::string_view uid) { return uid == done.uid; });
    // The worker itself is calling: it goes once it has returned.
    loop.post([this, uid = done.uid] {
      const auto found = pods.find(uid);
      // One that never ran here used nothing: at a start, pods that are yet to come may want what is unpacked.
      if (found == pods.end() || !found->second->gone()) return;
      pods.erase(found);
      collect_rootfs();
    });
  }
  control.post([callback = callback, done = std::move(done)] {
    if (*callback) (*callback)(done);
  });
}

/// One nft at a time; programs that arrive meanwhile collapse into the last. Rules that the kernel has already are not
/// given to it again: most pods change no rule.
void LocalNode::State::apply_program() {
  if (program_running) {
    program_waiting = true;
    return;
  }
  program_waiting = false;
  loop.cancel(program_retry);
  Ruleset made = ruleset(programmed);
  tell_once(std::move(made.problems));
  std::string rules = std::move(made.text);
  if (rules == rules_in_force) return note_programmed(std::move(rules), programmed.known);
  program_running = true;
  Command nft{.argv = {"nft", "-f", "-"}, .input = rules};
  reaper.run(std::move(nft), [this, rules = std::move(rules), pods_known = programmed.known](const Outcome& outcome) {
    program_running = false;
    if (outcome.exit.code == 0) {
      note_programmed(rules, pods_known);
    } else {
      if (!std::exchange(program_refused, true)) {
        control.post([tell = options.problem, output = outcome.output] {
          if (tell) tell("the kernel refused the cluster's network rules, so no further pod starts: " + output);
        });
      }
      program_retry = loop.after(kProgramRetry, [this] { apply_program(); });
    }
    if (program_waiting) apply_program();
  });
}

/// Each sentence when it comes up, and again only after it was gone.
void LocalNode::State::tell_once(std::vector<std::string> problems) {
  std::ranges::sort(problems);
  for (const std::string& problem : problems) {
    if (std::ranges::binary_search(told_problems, problem)) continue;
    control.post([tell = options.problem, problem] {
      if (tell) tell("left out of the cluster's network rules: " + problem);
    });
  }
  told_problems = std::move(problems);
}

void LocalNode::State::note_programmed(std::string rules, std::vector<seam::KnownPod> pods_known) {
  program_refused = false;
  rules_in_force = std::move(rules);
  known = std::move(pods_known);
  for (const auto& [uid, pod] : pods) pod->network_changed();
}

void LocalNode::State::measure() {
  loop.after(kMemoryCheck, [this] { measure(); });
  std::vector<pid_t> leaders;
  for (const auto& [uid, pod] : pods) {
    for (const auto& running : pod->running()) leaders.push_back(running.pid);
  }
  const auto samples = reader.read(leaders);
  for (const auto& [uid, pod] : pods) {
    for (const auto& running : pod->running()) {
      const auto sample = samples.find(running.pid);
      if (running.memory_limit == 0 || sample == samples.end() || sample->second.memory_bytes <= running.memory_limit)
        continue;
      if (exact_memory(running.pid) > running.memory_limit) pod->out_of_memory(running.container);
    }
  }
  window.add(std::chrono::steady_clock::now(), samples);
  publish_usage();
}

void LocalNode::State::publish_usage() {
  const auto at = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  std::vector<seam::PodUsage> fresh;
  for (const auto& [uid, pod] : pods) {
    seam::PodUsage entry{uid, at, Duration{0}, {}};
    for (const auto& running : pod->running()) {
      const auto use = window.of(running.pid);
      if (!use) continue;
      entry.window = std::max(entry.window, std::chrono::floor<Duration>(use->window));
      entry.containers.push_back({running.container, use->cpu_nano_cores, use->memory_bytes});
    }
    if (!entry.containers.empty()) fresh.push_back(std::move(entry));
  }
  const std::lock_guard lock(usage_mutex);
  usage = std::move(fresh);
}

Result<PodWorker::LogPlace> LocalNode::State::log_place(const seam::LogRequest& request) const {
  const auto pod = pods.find(request.uid);
  if (pod != pods.end()) return pod->second->log(request.container, request.previous);
  // A pod that was over before this process began is not run again, but its logs are there.
  auto kept = find_stored_log(services.log_directory, request.uid, request.container, request.previous);
  if (!kept) return std::unexpected(kept.error());
  return PodWorker::LogPlace{*std::move(kept), nullptr};
}

void LocalNode::State::open_log(const seam::LogRequest& request, const std::shared_ptr<LogStream>& stream) {
  const auto place = log_place(request);
  if (!place) return stream->end(place.error().message);
  const std::size_t tail = request.tail_lines ? static_cast<std::size_t>(*request.tail_lines) : std::string::npos;
  if (!request.follow || place->live == nullptr) {
    background.run([stream, path = place->path, tail] {
      stream->lines(read_log(path, tail));
      stream->end();
    });
    return;
  }
  // Both on the loop, so that no line falls between the file and what is followed; the reading is not.
  auto history = std::make_shared<LogHistory>(place->path);
  const std::weak_ptr<LogStream> weak = stream;
  stream->follower = place->live->follow(
      [weak](std::string_view line) {
        if (const auto open = weak.lock()) open->live(line);
      },
      [weak] {
        if (const auto open = weak.lock()) open->live_end();
      });
  background.run([stream, history, tail] { stream->history(history->read(tail)); });
}

/// Once the loop has ended: lets go of the pods, also of those that only somebody who was to call them back holds,
/// while all that they use is there.
void LocalNode::State::end() {
  pods.clear();
  reaper.forget();
  loop.forget();
}

namespace {

/// The directories of a life; what an earlier one left is set aside, for the trash to remove while pods start.
Result<> make_places(const std::string& run) {
  if (auto ok = make_directories(run + "/trash"); !ok) return ok;
  for (const std::string name : {"volumes", "layers"}) {
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    const std::string left = run + "/" + name;
    // The trash takes up whatever lies in its directory.
    if (std::rename(left.c_str(), fmt::format("{}/trash/{}-{}", run, name, now).c_str()) != 0) remove_tree(left);
  }
  for (const char* name : {"/live", "/rootfs", "/volumes", "/layers"}) {
    if (auto ok = make_directories(run + name); !ok) return ok;
    // Containers may make files there that run as root: nobody else on the machine is to reach them.
    ::chmod((run + name).c_str(), 0700);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LocalNode>> LocalNode::create(LocalNodeOptions options, Inside& inside,
                                                     seam::Executor& control) {
  const std::string run = options.state_directory + "/run";
  if (auto ok = make_places(run); !ok) return std::unexpected(ok.error());
  // Nothing of an image runs yet. An unreadable index is told by every image that is asked for.
  (void)collect_unpacked(ImageStore(options.state_directory + "/images"), run + "/rootfs");
  // Visible in here alone, and gone with the namespace.
  if (::mount("tmpfs", (run + "/live").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0) {
    return fail("cannot mount a tmpfs on {}/live: {}", run, error_text(errno));
  }
  auto network = Network::open(run + "/next-address");
  if (!network) return std::unexpected(network.error());
  const auto layers = check_layers(run + "/layers");
  if (!layers && options.problem) {
    options.problem("what containers write outside of volumes is kept in memory, since " + run +
                    " lies on a file system that cannot hold it: " + layers.error().message);
  }
  auto state = std::make_unique<State>(std::move(options), inside, control, std::move(*network), layers.has_value());
  state->refresh_zone();
  State* own = state.get();
  state->loop.post([own] {
    own->apply_program();
    own->measure();
  });
  state->thread = std::thread([own] { own->loop.run(); });
  return std::unique_ptr<LocalNode>(new LocalNode(std::move(state)));
}

LocalNode::LocalNode(std::unique_ptr<State> state) : state_(std::move(state)) {}

LocalNode::~LocalNode() {
  state_->loop.post([own = state_.get()] {
    for (const auto& [uid, pod] : own->pods) pod->abandon();
  });
  state_->loop.stop();
  state_->thread.join();
  state_->end();
  const std::string run = state_->directory("run");
  ::umount2((run + "/live").c_str(), MNT_DETACH);
  state_.reset();
  // Here, where every file can be removed, whatever rights its container gave it.
  for (const char* name : {"/volumes", "/layers", "/trash"}) remove_tree(run + name);
}

std::string LocalNode::name() const { return state_->options.name; }

Value LocalNode::status() const { return machine_status(state_->options.name, state_->options.state_directory); }

void LocalNode::on_report(std::function<void(const seam::PodReport&)> callback) {
  *state_->callback = std::move(callback);
}

void LocalNode::run(std::shared_ptr<const Value> pod, seam::PodInputs inputs) {
  state_->loop.post([own = state_.get(), pod = std::move(pod), inputs = std::move(inputs)]() mutable {
    const std::string uid(pod->at("metadata", "uid").str());
    auto& worker = own->pods[uid];
    if (worker && !worker->gone()) return worker->update(std::move(pod), std::move(inputs));
    worker = std::make_shared<PodWorker>(own->services, std::move(pod), std::move(inputs));
    worker->start();
  });
}

void LocalNode::stop(std::string uid, Duration grace) {
  state_->loop.post([own = state_.get(), uid = std::move(uid), grace] {
    const auto found = own->pods.find(uid);
    if (found == own->pods.end() || found->second->gone()) return own->report({uid, Value(), true, {}});
    const auto worker = found->second;
    worker->stop(grace);
  });
}

void LocalNode::program(seam::NetworkProgram program) {
  state_->loop.post([own = state_.get(), program = std::move(program)]() mutable {
    own->programmed = std::move(program);
    own->refresh_zone();
    own->apply_program();
  });
}

void LocalNode::set_host_names(HostNames names) {
  state_->loop.post([own = state_.get(), names = std::move(names)]() mutable {
    own->host_names = std::move(names);
    own->refresh_zone();
  });
}

void LocalNode::keep_logs_of(std::vector<std::string> uids) {
  std::ranges::sort(uids);
  state_->loop.post([own = state_.get(), uids = std::move(uids)] {
    own->remove_logs([&](std::string_view uid) { return !std::ranges::binary_search(uids, uid); });
  });
}

std::vector<seam::PodUsage> LocalNode::usage() const {
  const std::lock_guard lock(state_->usage_mutex);
  return state_->usage;
}

std::unique_ptr<seam::Subscription> LocalNode::logs(seam::LogRequest request,
                                                    std::function<void(std::string_view chunk, bool end)> sink) {
  auto stream = std::make_shared<LogStream>(request, std::move(sink));
  state_->loop.post([own = state_.get(), request = std::move(request), stream] { own->open_log(request, stream); });
  return std::make_unique<LogSubscription>(std::move(stream));
}

}  // namespace fairlead::node
