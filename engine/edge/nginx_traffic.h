// The edge that really forwards: nginx in pods, told over their admin port.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

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
};

/// Weights, routes and endpoints go into nginx' shared memory and are in force with its answer; only other listeners
/// need a reload, which is announced to keep-alive clients first. One Gateway.
/// `apply` is called on the control thread; everything that blocks happens on a thread of this object.
class NginxTraffic final : public seam::Traffic {
 public:
  /// `executor` outlives this object.
  explicit NginxTraffic(seam::Executor& executor, NginxTrafficOptions options = {});
  ~NginxTraffic() override;
  NginxTraffic(const NginxTraffic&) = delete;
  NginxTraffic& operator=(const NginxTraffic&) = delete;

  void apply(seam::EdgeProgram program, seam::Done<> done) override;

 private:
  /// A program as it travels.
  struct Payload {
    std::vector<seam::EdgePod> pods;
    std::string version;
    std::string routing;
    Value listeners;
    std::string listener_hash;
  };

  void work(const std::stop_token& stop);
  [[nodiscard]] Result<> bring(const seam::EdgePod& pod, const Payload& payload, const std::stop_token& stop);
  [[nodiscard]] Result<> bring_all(const Payload& payload, const std::stop_token& stop);
  [[nodiscard]] Result<> change_listeners(const seam::EdgePod& pod, bool first, const Payload& payload,
                                          const std::stop_token& stop);
  void pause(Duration limit, const std::stop_token& stop);
  void answer(const Result<>& result);

  seam::Executor& executor_;
  NginxTrafficOptions options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Payload> next_;        ///< Given, not yet begun. Under mutex_.
  std::vector<seam::Done<>> waiting_;  ///< Whom to answer when the latest program is in force. Under mutex_.
  std::jthread thread_;                ///< Last: it uses everything above.
};

}  // namespace fairlead::edge
