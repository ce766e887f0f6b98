// The edge that really forwards: nginx in pods, told over their admin port.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/edge/edge_files.h"
#include "engine/seam/traffic.h"

namespace fairlead::edge {

struct NginxTrafficOptions {
  std::uint16_t admin_port = kAdminPort;
  Duration ask_limit = std::chrono::seconds(2);      ///< For one exchange with one pod.
  Duration drain = std::chrono::seconds(1);          ///< How long clients are asked to reconnect before a reload.
  Duration reload_limit = std::chrono::seconds(10);  ///< From a reload to its being in force.
  /// How often every pod is asked what it follows; one that forgot is told again.
  Duration watch_period = std::chrono::seconds(1);
  /// How often pods that do not answer are told that their Gateway is gone.
  int farewells = 10;
};

/// Weights, routes and endpoints go into nginx' shared memory and are in force with its answer; only other listeners
/// need a reload, which is announced to keep-alive clients first.
/// `apply` is called on the control thread; everything that blocks happens on threads of this object, one per Gateway,
/// so that one whose pods do not answer delays no other.
class NginxTraffic final : public seam::Traffic {
 public:
  /// `executor` outlives this object.
  explicit NginxTraffic(seam::Executor& executor, NginxTrafficOptions options = {});
  ~NginxTraffic() override;
  NginxTraffic(const NginxTraffic&) = delete;
  NginxTraffic& operator=(const NginxTraffic&) = delete;

  /// A program without listeners is a Gateway's last: once its pods follow it, or have not answered for a while, its
  /// thread ends.
  void apply(seam::EdgeProgram program, seam::Done<> done) override;

  /// How many Gateways are looked after. On the control thread.
  [[nodiscard]] std::size_t gateways() const { return gateways_.size(); }

 private:
  class Follower;

  /// Called on the control thread when the Gateway's follower has done its last.
  void let_go(const std::string& gateway);

  seam::Executor& executor_;
  NginxTrafficOptions options_;
  std::map<std::string, std::unique_ptr<Follower>> gateways_;  ///< By "namespace/name", from their first program on.
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  ///< What is posted and comes after the end finds it gone.
};

}  // namespace fairlead::edge
