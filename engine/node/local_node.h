// The node that is this machine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/node/dns_zone.h"
#include "engine/node/enclosure.h"
#include "engine/seam/node.h"

namespace fairlead::node {

struct LocalNodeOptions {
  std::string name = "fairlead";
  std::string
      state_directory;  ///< ".fairlead", absolute: images in images/, logs in log/pods/, everything else in run/.
  std::string dns_address = "10.96.0.10";
  /// Whose pods may use the host's programs (image fairlead.local/host), the built-in DNS and hostPath.
  std::vector<std::string> platform_namespaces = {"kube-system", "gateway", "monitoring", "azure"};
  /// Told, on the control thread, of what concerns no pod: network rules that were left out or refused, and what this
  /// machine cannot do as others can.
  std::function<void(const std::string& problem)> problem;
};

/// Pods as processes of the enclosure. Everything happens on a thread of its own; the seam's rules hold.
/// Made inside `enter`; destroying it kills what still runs.
class LocalNode final : public seam::Node {
 public:
  /// `control` and `inside` must outlive the node.
  [[nodiscard]] static Result<std::unique_ptr<LocalNode>> create(LocalNodeOptions options, Inside& inside,
                                                                 seam::Executor& control);
  ~LocalNode() override;

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Value status() const override;
  void on_report(std::function<void(const seam::PodReport&)> callback) override;
  void run(std::shared_ptr<const Value> pod, seam::PodInputs inputs) override;
  void stop(std::string uid, Duration grace) override;
  void program(seam::NetworkProgram program) override;
  [[nodiscard]] std::vector<seam::PodUsage> usage() const override;
  [[nodiscard]] std::unique_ptr<seam::Subscription> logs(
      seam::LogRequest request, std::function<void(std::string_view chunk, bool end)> sink) override;

  /// Names that cluster DNS answers beside the cluster's own, in place of the ones given before.
  void set_host_names(HostNames names);
  /// `uids` are all the pods there are: what an earlier life of the node logged of others is removed.
  void keep_logs_of(std::vector<std::string> uids);

 private:
  struct State;
  explicit LocalNode(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fairlead::node
