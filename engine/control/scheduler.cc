// Source: pkg/scheduler/schedule_one.go.
#include <algorithm>
#include <map>
#include <set>

#include "engine/control/conditions.h"
#include "engine/control/event_recorder.h"
#include "engine/control/pod_state.h"
#include "engine/control/scheduler_filter.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kSchedulerName = "default-scheduler";

class Scheduler final : public Reconciler {
 public:
  explicit Scheduler(api::Api& api)
      : api_(api),
        nodes_(api.schema().resource("", "nodes")),
        pods_(api.schema().resource("", "pods")),
        events_(api, std::string(kSchedulerName)) {}

  [[nodiscard]] std::string_view name() const override { return "scheduler"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() == &nodes_) {
      if (event.before == nullptr || room_changed(*event.before, *event.object)) retry(queue);
      return;
    }
    if (&event.object->resource() != &pods_) return;
    const api::Object& pod = *event.object;
    const bool gone = event.type == api::Event::Type::kDeleted;
    if (pod.at("spec", "nodeName").str().empty()) {
      if (gone) {
        waiting_.erase(pod.key());
      } else {
        queue.add(pod.key());
      }
      return;
    }
    const bool ended = pod_is_terminal(pod.tree()) && event.before != nullptr && !pod_is_terminal(event.before->tree());
    if (gone || ended) retry(queue);
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr pod = api_.get(key);
    waiting_.erase(key);
    if (pod == nullptr || !is_ours(*pod)) return Again::when_changed();
    if (!pod->at("spec", "schedulingGates").empty()) {
      return report(*pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates", false);
    }
    std::map<std::string, int> reasons;
    std::vector<NodeState> candidates;
    const std::vector<NodeState> all = nodes();
    for (const NodeState& state : all) {
      const std::vector<std::string> against = reasons_against(pod->tree(), state);
      for (const std::string& reason : against) reasons[reason] += 1;
      if (against.empty()) candidates.push_back(state);
    }
    if (candidates.empty()) {
      waiting_.insert(key);
      return report(*pod, "Unschedulable", unschedulable_message(all.size(), reasons), true);
    }
    return bind(*pod, candidates);
  }

 private:
  static bool is_ours(const api::Object& pod) {
    return pod.at("spec", "nodeName").str().empty() && pod_is_active(pod.tree()) &&
           pod.at("spec", "schedulerName").string_or(kSchedulerName) == kSchedulerName;
  }

  /// What a waiting pod may have waited for.
  static bool room_changed(const api::Object& before, const api::Object& after) {
    return before.at("spec") != after.at("spec") || before.at("metadata", "labels") != after.at("metadata", "labels") ||
           before.at("status", "allocatable") != after.at("status", "allocatable");
  }

  void retry(Queue& queue) {
    for (const api::Key& key : waiting_) queue.add(key);
  }

  [[nodiscard]] std::vector<NodeState> nodes() const {
    std::map<std::string, std::vector<api::ObjectPtr>> on_node;
    for (const api::ObjectPtr& pod : api_.list(pods_)) {
      const std::string node(pod->at("spec", "nodeName").str());
      if (!node.empty() && !pod_is_terminal(pod->tree())) on_node[node].push_back(pod);
    }
    std::vector<NodeState> out;
    for (const api::ObjectPtr& node : api_.list(nodes_)) {
      if (!node->deleting()) out.push_back(node_state(node, on_node[std::string(node->name())]));
    }
    return out;
  }

  Result<Again> bind(const api::Object& pod, const std::vector<NodeState>& candidates) {
    const std::vector<std::int64_t> all = scores(pod.tree(), candidates);
    // Upstream picks among equals at random; the first by name keeps histories the same.
    const auto best = static_cast<std::size_t>(std::ranges::max_element(all) - all.begin());
    const std::string node(candidates[best].node->name());
    Value binding = Value::object({{"apiVersion", "v1"},
                                   {"kind", "Binding"},
                                   {"metadata", Value::object({{"name", pod.name()}, {"uid", pod.uid()}})},
                                   {"target", Value::object({{"kind", "Node"}, {"name", node}})}});
    const auto bound = api_.update(pod.key(), std::move(binding), api::Subresource::kBinding);
    if (!bound) return fail("{}", bound.error().message);
    events_.normal(pod, "Scheduled", fmt::format("Successfully assigned {}/{} to {}", pod.ns(), pod.name(), node));
    return Again::when_changed();
  }

  Result<Again> report(const api::Object& pod, std::string_view reason, const std::string& message, bool tell) {
    const auto written = api_.mutate(pod.key(), api::Subresource::kStatus, [&](Value& tree) {
      set_condition(tree["status"], "PodScheduled", "False", reason, message, api_.clock().now());
    });
    if (!written) return fail("{}", written.error().message);
    if (tell && (*written)->revision() != pod.revision()) events_.warning(pod, "FailedScheduling", message);
    return Again::when_changed();
  }

  api::Api& api_;
  const api::Resource& nodes_;
  const api::Resource& pods_;
  EventRecorder events_;
  std::set<api::Key> waiting_;  ///< Pods that no node could take; found again from their conditions after a restart.
};

}  // namespace

std::unique_ptr<Reconciler> make_scheduler(api::Api& api) { return std::make_unique<Scheduler>(api); }

}  // namespace fairlead::control
