// A node as the pod lifecycle reconciler sees it: the container runtime and network of one machine, real or simulated.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "base/value.h"
#include "engine/seam/executor.h"
#include "engine/seam/network.h"

namespace fairlead::seam {

struct VolumeFile {
  std::string path;  ///< Relative to the volume's root; no "..", no leading slash.
  std::string content;
  std::uint32_t mode = 0644;
  friend bool operator==(const VolumeFile&, const VolumeFile&) = default;
};

/// Stands in PodInputs for the pod's own address, which only the node knows: it puts the address in its place.
inline constexpr std::string_view kPodIpMark = "\x01pod-ip\x01";

/// What the references inside a pod resolve to: the node needs no access to the store.
struct PodInputs {
  /// Container name (init containers too) to its environment, complete and in order, $(VAR) expanded.
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> env;
  /// Volume name to its files, for configMap, secret, downwardAPI and projected volumes (tokens included).
  std::map<std::string, std::vector<VolumeFile>> files;
  friend bool operator==(const PodInputs&, const PodInputs&) = default;
};

/// What a node says about a pod. `status` is a v1.PodStatus tree holding what the kubelet owns: phase, podIP, podIPs,
/// hostIP, startTime, conditions (PodReadyToStartContainers, Initialized, ContainersReady, Ready), containerStatuses,
/// initContainerStatuses. It replaces those fields and leaves others alone.
struct PodReport {
  std::string uid;
  Value status;
  bool stopped = false;  ///< Every container has ended and everything the pod had on the node is gone.
  /// Events for a person: (type "Normal"/"Warning", reason, message), in order, each given once.
  struct Note {
    std::string type;
    std::string reason;
    std::string message;
  };
  std::vector<Note> notes;
};

struct ContainerUsage {
  std::string container;
  std::int64_t cpu_nano_cores = 0;
  std::int64_t memory_bytes = 0;  ///< Working set.
};

struct PodUsage {
  std::string uid;
  Time at;  ///< End of the window that the CPU figure is averaged over.
  Duration window{0};
  std::vector<ContainerUsage> containers;
};

struct LogRequest {
  std::string uid;
  std::string container;
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  std::optional<std::int64_t> tail_lines{};
  std::optional<std::int64_t> limit_bytes{};
  std::optional<Time> since{};
};

/// Destroying it ends what it stands for.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

/// All calls are made on the control thread and none blocks; reports arrive there through the Executor.
class Node {
 public:
  virtual ~Node() = default;

  /// The node's name; pods with this spec.nodeName are its own.
  [[nodiscard]] virtual std::string name() const = 0;
  /// A v1.NodeStatus tree: capacity, allocatable, addresses, nodeInfo, and conditions other than Ready.
  [[nodiscard]] virtual Value status() const = 0;

  /// Called for every report, until replaced. Set before the first `run`.
  virtual void on_report(std::function<void(const PodReport&)> callback) = 0;
  /// Starts `pod` (a v1.Pod tree), or, when it runs already, takes over a changed spec (container images) or changed
  /// inputs (files of volumes change in place, environment only with the next start). Idempotent.
  virtual void run(std::shared_ptr<const Value> pod, PodInputs inputs) = 0;
  /// Ends the pod with this uid: preStop, SIGTERM, then SIGKILL once `grace` has passed, yet two seconds after SIGTERM
  /// at the soonest, as the kubelet does. Idempotent; a later call may shorten the grace. Ends with a report that says
  /// `stopped`, also for a pod that is not known.
  virtual void stop(std::string uid, Duration grace) = 0;

  /// Makes the network be `program`, whole.
  virtual void program(NetworkProgram program) = 0;

  /// The latest sample of each running pod; pods younger than one window are missing.
  [[nodiscard]] virtual std::vector<PodUsage> usage() const = 0;

  /// Streams a container's log: `sink(chunk, end)` on any thread, `end` exactly once and last; after an error the chunk
  /// of that last call is its message. The subscription cancels and then no further call is made.
  [[nodiscard]] virtual std::unique_ptr<Subscription> logs(
      LogRequest request, std::function<void(std::string_view chunk, bool end)> sink) = 0;
};

}  // namespace fairlead::seam
