// A whole cluster in memory under virtual time: store, API, controllers and simulated seams.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/api/api.h"
#include "engine/control/controllers.h"
#include "engine/control/reconciler.h"
#include "engine/seam/simulated_metrics.h"
#include "engine/seam/simulated_node.h"
#include "engine/seam/simulated_source.h"
#include "engine/seam/simulated_traffic.h"
#include "engine/seam/virtual_time.h"

namespace fairlead::control {

/// Puts controllers into a Manager.
using Assemble = std::function<void(Manager&, api::Api&, const Seams&)>;

/// Tasks and reconciliations without the clock moving; more is a loop between controllers and seams.
inline constexpr std::size_t kMaxRoundsPerInstant = 100'000;

/// One thread. Everything is reachable, because whoever plays a scenario plays every part of the outside.
class VirtualCluster {
 public:
  /// `schema` outlives the cluster.
  VirtualCluster(const api::Schema& schema, Time start, std::uint64_t seed, Assemble assemble);
  ~VirtualCluster();

  /// Adds a machine. Before `start`.
  seam::SimulatedNode& add_node(const std::string& name, Value status);
  void start();
  /// Runs everything that is due at this moment.
  void settle();
  /// Moves on to the next moment at which something is due, not beyond `limit`, and settles; false when the clock
  /// stands at `limit`.
  bool step(Time limit);
  /// The engine ends, `down` passes, and it starts again on the same objects: controllers forget, containers are gone.
  void restart(Duration down);

  [[nodiscard]] api::Api& api() { return *api_; }
  [[nodiscard]] const api::Api& api() const { return *api_; }
  [[nodiscard]] seam::VirtualTime& time() { return time_; }
  [[nodiscard]] seam::SimulatedMetrics& metrics() { return metrics_; }
  [[nodiscard]] seam::SimulatedTraffic& traffic() { return traffic_; }
  [[nodiscard]] seam::SimulatedSource& source() { return source_; }
  [[nodiscard]] const std::vector<std::unique_ptr<seam::SimulatedNode>>& nodes() const { return nodes_; }
  /// Everything that happened to objects so far, one line each: "+1.500s MODIFIED pods default/web-0 {…}".
  [[nodiscard]] const std::vector<std::string>& history() const { return history_; }
  [[nodiscard]] Duration elapsed() const { return time_.now() - start_; }

 private:
  void assemble();
  void note(std::string line);

  Time start_;
  seam::VirtualTime time_;
  std::unique_ptr<api::Journal> journal_;
  std::unique_ptr<api::Store> store_;
  std::unique_ptr<api::Api> api_;
  std::vector<std::unique_ptr<seam::SimulatedNode>> nodes_;
  seam::SimulatedMetrics metrics_;
  seam::SimulatedTraffic traffic_;
  seam::SimulatedSource source_;
  Assemble assemble_;
  std::unique_ptr<Manager> manager_;
  std::vector<std::string> history_;
  std::vector<Outage> outages_;
};

}  // namespace fairlead::control
