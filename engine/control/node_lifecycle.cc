// Source: pkg/controller/nodelifecycle/node_lifecycle_controller.go. Upstream taints one node in ten seconds when many
// fail together; here nodes are few and each is tainted at once.
#include <algorithm>
#include <array>

#include "engine/control/conditions.h"
#include "engine/control/event_recorder.h"
#include "engine/control/pod_state.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kNotReady = "node.kubernetes.io/not-ready";
constexpr std::string_view kUnreachable = "node.kubernetes.io/unreachable";
constexpr std::string_view kUnschedulable = "node.kubernetes.io/unschedulable";

struct ConditionTaint {
  std::string_view type;
  std::string_view status;
  std::string_view key;
};
/// Source: nodeConditionToTaintKeyStatusMap.
constexpr std::array<ConditionTaint, 6> kConditionTaints = {
    {{"Ready", "False", kNotReady},
     {"Ready", "Unknown", kUnreachable},
     {"MemoryPressure", "True", "node.kubernetes.io/memory-pressure"},
     {"DiskPressure", "True", "node.kubernetes.io/disk-pressure"},
     {"NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"},
     {"PIDPressure", "True", "node.kubernetes.io/pid-pressure"}}};

struct Taint {
  std::string_view key;
  std::string_view effect;
  bool operator==(const Taint&) const = default;
};

bool is_ready(const api::Object& node) { return condition_holds(node.at("status"), "Ready"); }

class NodeLifecycle final : public Reconciler {
 public:
  explicit NodeLifecycle(api::Api& api)
      : api_(api),
        nodes_(api.schema().resource("", "nodes")),
        pods_(api.schema().resource("", "pods")),
        events_(api, "node-controller") {}

  [[nodiscard]] std::string_view name() const override { return "node-lifecycle"; }

  void observe(const api::Event& event, Queue& queue) override {
    const api::Object& object = *event.object;
    if (&object.resource() != &nodes_) return;
    queue.add(object.key());
    // The first node that is ready, and the last one, decide about the taints of all.
    const bool same = event.before != nullptr && is_ready(*event.before) == is_ready(object);
    if (same && event.type != api::Event::Type::kDeleted) return;
    for (const api::ObjectPtr& node : api_.list(nodes_)) queue.add(node->key());
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr node = api_.get(key);
    if (node == nullptr) return Again::when_changed();
    if (auto done = taint(*node); !done) return std::unexpected(done.error());
    const bool doubtful = !condition_called(node->at("status"), "Ready").is_null() && !is_ready(*node);
    if (doubtful) {
      if (auto done = mark_pods(key.name); !done) return std::unexpected(done.error());
    }
    return Again::when_changed();
  }

 private:
  /// Keeps the taints that belong to conditions and to spec.unschedulable, and leaves all others alone.
  Result<> taint(const api::Object& node) {
    std::vector<Taint> wanted = no_schedule(node);
    const std::string_view ready = condition_called(node.at("status"), "Ready").at("status").str();
    if (ready != "True" && !ready.empty() && some_node_is_ready())
      wanted.push_back({ready == "False" ? kNotReady : kUnreachable, "NoExecute"});
    const std::string now = format_time(api_.clock().now());
    const auto written = api_.mutate(node.key(), api::Subresource::kNone, [&](Value& tree) {
      Value::Array kept;
      for (const Value& taint : tree.at("spec", "taints").items()) {
        const Taint have{taint.at("key").str(), taint.at("effect").str()};
        const auto it = std::ranges::find(wanted, have);
        if (it == wanted.end() && belongs_to_condition(have)) continue;
        kept.push_back(taint);
        if (it != wanted.end()) wanted.erase(it);
      }
      for (const Taint& taint : wanted)
        kept.push_back(Value::object({{"key", taint.key}, {"effect", taint.effect}, {"timeAdded", now}}));
      if (kept.empty()) {
        if (tree.at("spec").has("taints")) tree["spec"].erase("taints");
      } else {
        tree.make("spec").set("taints", std::move(kept));
      }
    });
    if (!written && !written.error().not_found()) return fail("{}", written.error().message);
    return {};
  }

  /// Source: doNoScheduleTaintingPass.
  static std::vector<Taint> no_schedule(const api::Object& node) {
    std::vector<Taint> out;
    for (const Value& condition : node.at("status", "conditions").items()) {
      for (const ConditionTaint& each : kConditionTaints) {
        if (condition.at("type").str() == each.type && condition.at("status").str() == each.status)
          out.push_back({each.key, "NoSchedule"});
      }
    }
    if (node.at("spec", "unschedulable").bool_or(false)) out.push_back({kUnschedulable, "NoSchedule"});
    return out;
  }

  static bool belongs_to_condition(const Taint& taint) {
    if (taint.effect == "NoExecute") return taint.key == kNotReady || taint.key == kUnreachable;
    return taint.effect == "NoSchedule" &&
           (taint.key == kUnschedulable ||
            std::ranges::find(kConditionTaints, taint.key, &ConditionTaint::key) != kConditionTaints.end());
  }

  /// When no node is ready, the fault is rather the control plane's, and pods stay where they are. Source:
  /// handleDisruption.
  [[nodiscard]] bool some_node_is_ready() const {
    return std::ranges::any_of(api_.list(nodes_), [](const api::ObjectPtr& node) {
      return is_ready(*node) && !node->at("metadata", "labels").has("node.kubernetes.io/exclude-disruption");
    });
  }

  /// Services send nothing more to pods that nobody hears of. Source: MarkPodsNotReady.
  Result<> mark_pods(const std::string& node) {
    for (const api::ObjectPtr& pod : api_.list(pods_)) {
      if (pod->at("spec", "nodeName").str() != node || !pod_is_ready(pod->tree())) continue;
      const auto written = api_.mutate(pod->key(), api::Subresource::kStatus, [&](Value& tree) {
        Value condition = condition_called(tree.at("status"), "Ready");
        condition.set("status", "False").set("lastTransitionTime", format_time(api_.clock().now()));
        put_condition(tree["status"], std::move(condition));
      });
      if (!written && !written.error().not_found()) return fail("{}", written.error().message);
      if (written) events_.warning(*pod, "NodeNotReady", "Node is not ready");
    }
    return {};
  }

  api::Api& api_;
  const api::Resource& nodes_;
  const api::Resource& pods_;
  EventRecorder events_;
};

}  // namespace

std::unique_ptr<Reconciler> make_node_lifecycle_controller(api::Api& api) {
  return std::make_unique<NodeLifecycle>(api);
}

}  // namespace fairlead::control
