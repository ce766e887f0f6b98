// Source: pkg/kubelet/kubelet_node_status.go.
#include <algorithm>

#include "engine/control/conditions.h"
#include "engine/control/event_recorder.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

/// How often the heartbeat is written when nothing else changes: the kubelet's nodeStatusReportFrequency.
constexpr Duration kHeartbeat = std::chrono::minutes(5);
/// How often the machine is asked what changed: the kubelet's nodeStatusUpdateFrequency.
constexpr Duration kStatusCheck = std::chrono::seconds(10);

class NodeController final : public Reconciler {
 public:
  NodeController(api::Api& api, std::vector<seam::Node*> machines)
      : api_(api),
        machines_(std::move(machines)),
        nodes_(api.schema().resource("", "nodes")),
        events_(api, "kubelet"),
        lifecycle_events_(api, "node-controller") {}

  [[nodiscard]] std::string_view name() const override { return "node"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() == &nodes_) queue.add(event.object->key());
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const auto machine = std::ranges::find_if(machines_, [&](const seam::Node* m) { return m->name() == key.name; });
    if (machine == machines_.end()) return orphaned(key);
    if (api_.get(key) == nullptr) {
      if (auto done = create(key, **machine); !done) return std::unexpected(done.error());
    }
    const Value reported = (*machine)->status();
    const auto written =
        api_.mutate(key, api::Subresource::kStatus, [&](Value& node) { merge(node["status"], reported); });
    if (!written) return fail("{}", written.error().message);
    return Again::in(kStatusCheck);
  }

 private:
  Result<> create(const api::Key& key, const seam::Node& machine) {
    const Value status = machine.status();
    Value labels = Value::object({{"kubernetes.io/hostname", key.name}});
    for (const auto& [label, field] : {std::pair("os", "operatingSystem"), std::pair("arch", "architecture")}) {
      const std::string_view value = status.at("nodeInfo", field).str();
      if (!value.empty()) labels.set(fmt::format("kubernetes.io/{}", label), value);
    }
    const auto created =
        api_.create(nodes_, "",
                    Value::object({{"apiVersion", "v1"},
                                   {"kind", "Node"},
                                   {"metadata", Value::object({{"name", key.name}, {"labels", std::move(labels)}})}}));
    if (!created) return fail("{}", created.error().message);
    events_.normal(**created, "NodeReady", fmt::format("Node {} status is now: NodeReady", key.name));
    return {};
  }

  /// A Node that no machine stands behind, from an earlier life or written by hand: its state is unknown. Upstream
  /// waits for a machine to be heard of; here it is known that none will be. Source: tryUpdateNodeHealth.
  Result<Again> orphaned(const api::Key& key) {
    const api::ObjectPtr node = api_.get(key);
    if (node == nullptr) return Again::when_changed();
    const auto written = api_.mutate(key, api::Subresource::kStatus, [&](Value& tree) {
      for (const std::string_view type : {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"})
        lose_condition(tree, type);
    });
    if (!written) return fail("{}", written.error().message);
    if (condition_holds(node->at("status"), "Ready")) {
      lifecycle_events_.normal(*node, "NodeNotReady", fmt::format("Node {} status is now: NodeNotReady", key.name));
    }
    return Again::when_changed();
  }

  void lose_condition(Value& node, std::string_view type) const {
    Value& status = node["status"];
    const Value& old = condition_called(status, type);
    if (old.at("status").str() == "Unknown") return;
    const bool never = old.is_null();
    set_condition(status, type, "Unknown", never ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
                  never ? "Kubelet never posted node status." : "Kubelet stopped posting node status.",
                  api_.clock().now());
    if (!never) return;
    Value added = condition_called(status, type);
    added.set("lastHeartbeatTime", node.at("metadata", "creationTimestamp"));
    put_condition(status, std::move(added));
  }

  /// Takes over what the machine says and keeps conditions of others. The heartbeat moves only every kHeartbeat, or
  /// together with a change.
  void merge(Value& status, const Value& reported) const {
    const Value before = status;
    for (const Member& m : reported.members()) {
      if (m.key != "conditions") status.set(m.key, m.value);
    }
    for (const Value& condition : reported.at("conditions").items()) keep_condition(status, condition);
    keep_condition(status, Value::object({{"type", "Ready"},
                                          {"status", "True"},
                                          {"reason", "KubeletReady"},
                                          {"message", "kubelet is posting ready status"}}));
    const Time now = api_.clock().now();
    const Time beat = parse_time(condition_called(status, "Ready").at("lastHeartbeatTime").str()).value_or(Time());
    if (status == before && beat + kHeartbeat > now) return;
    for (Value& condition : status["conditions"].mutable_items()) condition.set("lastHeartbeatTime", format_time(now));
  }

  void keep_condition(Value& status, const Value& condition) const {
    set_condition(status, condition.at("type").str(), condition.at("status").str(), condition.at("reason").str(),
                  condition.at("message").str(), api_.clock().now());
  }

  api::Api& api_;
  std::vector<seam::Node*> machines_;
  const api::Resource& nodes_;
  EventRecorder events_;
  EventRecorder lifecycle_events_;
};

}  // namespace

std::unique_ptr<Reconciler> make_node_controller(api::Api& api, std::vector<seam::Node*> nodes) {
  return std::make_unique<NodeController>(api, std::move(nodes));
}

}  // namespace fairlead::control
