// The life of one pod on this machine, from its network namespace to its last container's end, as the kubelet lives it
// (pkg/kubelet/pod_workers.go, pkg/kubelet/kuberuntime of k8s.io/kubernetes).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/node/container_log.h"
#include "engine/node/dns_server.h"
#include "engine/node/host_ports.h"
#include "engine/node/image_store.h"
#include "engine/node/pod_files.h"
#include "engine/node/pod_network.h"
#include "engine/node/pod_status.h"
#include "engine/node/probe.h"
#include "engine/node/runtime.h"
#include "engine/seam/node.h"

namespace fairlead::node {

/// What the pods of a node share. Everything is used on the node's loop.
struct NodeServices {
  Loop& loop;
  Runtime& runtime;
  Network& network;
  ImageStore& images;
  HostPorts& ports;
  Trash& trash;
  bool privileged = false;
  std::string dns_address;
  std::string rootfs_directory;  ///< Unpacked images, on disk.
  std::string memory_directory;  ///< On a tmpfs.
  std::string volume_directory;  ///< On disk.
  std::string layer_directory;   ///< What containers write outside of volumes: on disk, where that is possible.
  std::string log_directory;
  std::function<bool(const std::string& ns)> is_platform;  ///< Whose pods may use the host's files.
  std::function<void(std::function<void()>)> background;   ///< Runs something slow on another thread.
  DnsServer::Answer dns;
  /// Whether the kernel's rules were made with this pod, under this address, in mind.
  std::function<bool(const std::string& uid, const std::string& address)> is_programmed;
  std::function<void(seam::PodReport)> report;
};

class PodWorker : public std::enable_shared_from_this<PodWorker> {
 public:
  PodWorker(NodeServices& services, std::shared_ptr<const Value> pod, seam::PodInputs inputs);
  ~PodWorker();

  void start();
  void update(std::shared_ptr<const Value> pod, seam::PodInputs inputs);
  void stop(Duration grace);
  /// The node goes: kills what runs, removes its files, starts and reports nothing any more. The pod is what it was
  /// when the node comes back.
  void abandon();
  /// Other network rules are in force: what waited for them may start.
  void network_changed() { advance(); }
  [[nodiscard]] bool gone() const { return gone_; }
  [[nodiscard]] const std::string& uid() const { return uid_; }

  struct Running {
    std::string container;
    pid_t pid = 0;
    std::int64_t memory_limit = 0;  ///< 0: none.
  };
  [[nodiscard]] std::vector<Running> running() const;
  /// The digests of its containers' images, without "sha256:": of all of them, started or not, as long as anything of
  /// the pod is on the machine.
  [[nodiscard]] std::vector<std::string> unpacked() const;
  /// A container is over its memory limit: ends it as the kernel would.
  void out_of_memory(const std::string& container);

  /// The log of the current start (or of the one before) and, while it is being written, its writer.
  struct LogPlace {
    std::string path;
    ContainerLog* live = nullptr;
  };
  [[nodiscard]] Result<LogPlace> log(const std::string& container, bool previous) const;

 private:
  using Moment = std::chrono::steady_clock::time_point;

  /// How far a container's end has come.
  enum class Ending : std::uint8_t {
    kNone,
    kHook,      ///< Its preStop hook runs.
    kTurn,      ///< A sidecar waits for those that end before it.
    kSignalled  ///< It has its stop signal; SIGKILL follows.
  };

  struct Slot {
    std::string id;
    std::string image;  ///< The digest of what it was unpacked from, without "sha256:".
    pid_t pid = 0;
    std::vector<std::string> environment;
    ContainerUser user;
    Moment started_at;
    bool launching = false;
    bool ended_well = false;  ///< Killed because of a new definition: restarts without back-off.
    bool out_of_memory = false;
    bool failed_start = false;  ///< crun refused; counts as an end.
    std::unique_ptr<ContainerLog> log;
    std::unique_ptr<DnsServer> dns;
    std::map<std::string_view, std::unique_ptr<ProbeWorker>> probes;  ///< By kind, a literal: "livenessProbe" …
    std::string stop_signal;
    BackOff backoff;
    Loop::Timer restart;
    Ending ending = Ending::kNone;
    Loop::Timer kill;  ///< The next step of its end, whatever becomes of the one before.
    Moment deadline;   ///< When the time for its end is over.
  };

  // pod_worker.cc: the order of things.
  void restore();
  void prepare_pod();
  void open_host_ports();
  void advance();
  bool advance_init();
  void settle();
  void release();
  void finish();
  void changed();
  void note(const char* type, const char* reason, std::string message);
  void later(Loop::Timer& timer, Duration delay, std::move_only_function<void()> task);
  [[nodiscard]] bool is_idle(std::size_t index) const;
  [[nodiscard]] bool is_active(std::size_t index) const;
  [[nodiscard]] bool any_active() const;
  [[nodiscard]] std::string full_name() const;

  // pod_container.cc: one container.
  void launch(std::size_t index);
  void prepare(std::size_t index, const Image& image, const std::string& unpacked);
  [[nodiscard]] Result<ContainerPlan> plan(std::size_t index, const Image& image, const std::string& unpacked);
  void start_dns(std::size_t index);
  void wait_for(std::size_t index, const char* reason, const std::string& message, Duration retry);
  void image_missing(std::size_t index, const std::string& message);
  void started(std::size_t index, const Result<pid_t>& pid);
  void run_post_start(std::size_t index, const Value& hook);
  void came_up(std::size_t index);
  void start_probes(std::size_t index);
  /// `kind` is a literal.
  void add_probe(std::size_t index, std::string_view kind);
  void probe_failed(std::size_t index, std::string_view kind);
  [[nodiscard]] ProbeTarget target(std::size_t index) const;
  [[nodiscard]] std::string termination_message(std::size_t index, int code) const;
  [[nodiscard]] std::string log_path(std::size_t index, int start) const;

  // pod_end.cc: how one container ends, and all of them.
  void stop_containers();
  void quiet_probes();
  void kill(std::size_t index, Moment deadline, const std::string& message);
  void run_pre_stop(std::size_t index, const Value& hook, Duration limit);
  void take_turn(std::size_t index);
  [[nodiscard]] bool is_turn(std::size_t index) const;
  void signal(std::size_t index);
  void force_after(std::size_t index, Duration least);
  void ended(std::size_t index, Exit exit);
  void restart(std::size_t index);
  [[nodiscard]] Duration grace() const;

  NodeServices& services_;
  Loop& loop_;  ///< Outlives the services.
  std::shared_ptr<const Value> pod_;
  seam::PodInputs given_;   ///< As control gave them.
  seam::PodInputs inputs_;  ///< With the pod's address in them.
  std::string uid_;
  PodRecord record_;
  std::vector<Slot> slots_;  ///< One for each of record_.containers.
  PodNetwork network_;
  PodFiles files_;
  std::vector<std::uint16_t> host_ports_;
  std::vector<seam::PodReport::Note> notes_;
  bool prepared_ = false;
  bool stopping_ = false;
  bool over_ = false;      ///< Succeeded or Failed: nothing starts any more.
  bool released_ = false;  ///< Nothing of it is on the machine any more, but its logs.
  bool gone_ = false;
  bool report_pending_ = false;
  bool port_noted_ = false;
  Moment stop_deadline_;  ///< While it stops, or is over.
  Loop::Timer retry_;
  Loop::Timer port_retry_;
  Loop::Timer deadline_;
};

}  // namespace fairlead::node
