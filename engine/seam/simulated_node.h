// A node without containers: what runs and when is said by image. For virtual worlds and tests.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/seam/node.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::seam {

/// How containers of one image behave.
struct ImageBehaviour {
  Duration startup{1000};              ///< From being told to run to the container's start: pulling and creating.
  std::optional<Duration> ready{0};    ///< From the start to Ready; nothing: never ready.
  std::optional<Duration> exit_after;  ///< From the start to its end; nothing: runs until it is stopped.
  int exit_code = 0;
  bool missing = false;  ///< The image cannot be pulled.
  Duration stop{0};      ///< How long it takes to end after SIGTERM; cut by the grace period.
  std::int64_t cpu_nano_cores = 0;
  std::int64_t memory_bytes = 0;
};

/// Restart back-off of the kubelet: pkg/kubelet/kubelet.go, initial and maximum.
inline constexpr Duration kSimulatedFirstBackOff{10'000};
inline constexpr Duration kSimulatedLongestBackOff{300'000};

class SimulatedNode final : public Node {
 public:
  /// `status` is the v1.NodeStatus that the node reports; addresses of pods are <pod_prefix>.1, .2 …
  SimulatedNode(VirtualTime& time, std::string name, Value status, std::string pod_prefix);
  ~SimulatedNode() override;

  /// How images behave from now on (running containers keep their end and readiness, usage changes at once). Images
  /// that nobody described are ready one second after they were asked for and run until they are stopped.
  void set_image(const std::string& image, ImageBehaviour behaviour);
  /// As if the machine had lost power: every container is gone and nothing is reported about it.
  void lose_everything();
  /// The latest program.
  [[nodiscard]] const NetworkProgram& network() const;
  /// What `run` was last given for a pod; null when it does not run.
  [[nodiscard]] const PodInputs* inputs(const std::string& uid) const;

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Value status() const override;
  void on_report(std::function<void(const PodReport&)> callback) override;
  void run(std::shared_ptr<const Value> pod, PodInputs inputs) override;
  void stop(std::string uid, Duration grace) override;
  void program(NetworkProgram program) override;
  [[nodiscard]] std::vector<PodUsage> usage() const override;
  /// Ends at once: simulated containers say nothing.
  [[nodiscard]] std::unique_ptr<Subscription> logs(LogRequest request,
                                                   std::function<void(std::string_view, bool)> sink) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fairlead::seam
