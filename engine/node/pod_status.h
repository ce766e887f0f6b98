// v1.PodStatus from what the node knows of a pod's containers. Pure; follows pkg/kubelet/kubelet_pods.go and
// pkg/kubelet/status/generate.go of k8s.io/kubernetes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "base/value.h"

namespace fairlead::node {

struct Termination {
  int exit_code = 0;
  std::string reason;  ///< "Completed", "Error", "OOMKilled", "ContainerStatusUnknown"
  std::string message;
  Time started{};
  Time finished{};
  std::string container_id;
};

struct ContainerRecord {
  enum class State : std::uint8_t { kWaiting, kRunning, kTerminated };
  enum class Kind : std::uint8_t { kMain, kInit, kSidecar };

  Value spec;  ///< v1.Container
  Kind kind = Kind::kMain;
  State state = State::kWaiting;
  std::string reason = "ContainerCreating";  ///< While waiting.
  std::string message;
  Time started_at{};
  Termination ended;                ///< While terminated.
  std::optional<Termination> last;  ///< The start before this one.
  int restarts = 0;
  std::string image_id;
  std::string container_id;
  bool started = false;
  bool ready = false;
  bool hook_running = false;  ///< Its postStart hook: as long as that runs, it shows as waiting for `reason`.

  [[nodiscard]] std::string name() const { return std::string(spec.at("name").str()); }
};

struct PodRecord {
  const Value* pod = nullptr;
  std::vector<ContainerRecord> containers;  ///< Init containers first, in order.
  std::string address;                      ///< Empty until the pod has its network.
  std::string host_address;
  Time start_time{};
  bool has_network = false;
  bool initialized = false;   ///< Its main containers may start; what becomes of sidecars later changes nothing.
  std::string failed_reason;  ///< "DeadlineExceeded": the pod as a whole has failed.
  std::string failed_message;
  std::map<std::string, std::pair<std::string, Time>> transitions;  ///< Condition type to its status and since when.
};

/// "Pending", "Running", "Succeeded" or "Failed".
[[nodiscard]] std::string pod_phase(const PodRecord& record);

/// The status at `now`; moves `record.transitions` along.
[[nodiscard]] Value pod_status(PodRecord& record, Time now);

/// How long to wait before the next start: 10 s, doubled with each, at most 5 minutes; forgotten after 10 good minutes
/// (pkg/kubelet/kuberuntime, MaxContainerBackOff). The first restart is at once.
class BackOff {
 public:
  /// An end at `now` after running for `ran`: the wait before the next start.
  [[nodiscard]] Duration next(Duration ran);

 private:
  Duration delay_{0};
  bool seen_ = false;
};

}  // namespace fairlead::node
