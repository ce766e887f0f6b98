// Source: pkg/controller/replicaset/replica_set.go and replica_set_utils.go.
#include <algorithm>
#include <bit>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "engine/control/conditions.h"
#include "engine/control/event_recorder.h"
#include "engine/control/ownership.h"
#include "engine/control/pod_state.h"
#include "engine/control/pod_template.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

constexpr std::size_t kBurstReplicas = 500;
constexpr std::string_view kDeletionCost = "controller.kubernetes.io/pod-deletion-cost";

/// Anything but a plain number of 32 bits counts as 0. Source: GetDeletionCostFromPodAnnotations.
std::int32_t deletion_cost(const Value& pod) {
  const std::string_view text = pod.at("metadata", "annotations", kDeletionCost).str();
  std::int32_t cost = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cost);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  return error == std::errc() && end == text.data() + text.size() && !leading_zero ? cost : 0;
}

/// Of containers, and of the init containers that run beside them. Source: maxContainerRestarts.
std::pair<std::int64_t, std::int64_t> most_restarts(const Value& pod) {
  std::pair<std::int64_t, std::int64_t> most;
  for (const Value& c : pod.at("status", "containerStatuses").items())
    most.first = std::max(most.first, c.at("restartCount").int_or(0));
  for (const Value& c : pod.at("spec", "initContainers").items()) {
    if (c.at("restartPolicy").str() != "Always") continue;
    for (const Value& status : pod.at("status", "initContainerStatuses").items()) {
      if (status.at("name") == c.at("name")) most.second = std::max(most.second, status.at("restartCount").int_or(0));
    }
  }
  return most;
}

/// The power of two of an age: pods of about the same age count as equally old. Source: logarithmicRankDiff.
int age_rank(Time t, Time now) {
  const auto nanoseconds = std::chrono::nanoseconds(now - t).count();
  return nanoseconds <= 0 ? -1 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(nanoseconds))) - 1;
}

/// What decides which pods go first. Source: controller_utils.go, ActivePodsWithRanks.
struct DeletionRank {
  api::ObjectPtr pod;
  bool assigned = false;
  int phase = 0;
  bool ready = false;
  std::int32_t cost = 0;
  int same_node = 0;
  Time ready_since;
  std::pair<std::int64_t, std::int64_t> restarts;
  Time created;

  static DeletionRank of(const api::ObjectPtr& pod, int same_node) {
    const Value& tree = pod->tree();
    const std::string_view phase = tree.at("status", "phase").str();
    return {.pod = pod,
            .assigned = !tree.at("spec", "nodeName").str().empty(),
            .phase = phase == "Running" ? 2 : (phase == "Unknown" ? 1 : 0),
            .ready = pod_is_ready(tree),
            .cost = deletion_cost(tree),
            .same_node = same_node,
            .ready_since = pod_ready_since(tree),
            .restarts = most_restarts(tree),
            .created = parse_time(tree.at("metadata", "creationTimestamp").str()).value_or(Time())};
  }

  /// True when this pod goes before `other`. No order in the mathematical sense: times that differ within a power of
  /// two are settled by UID, equal ones by what comes next, so three pods can form a circle. Source: Less.
  [[nodiscard]] bool goes_before(const DeletionRank& other, Time now) const {
    const auto younger = [&](Time mine, Time theirs) {
      const int difference = age_rank(mine, now) - age_rank(theirs, now);
      return difference == 0 ? pod->uid() < other.pod->uid() : difference < 0;
    };
    if (assigned != other.assigned) return !assigned;
    if (phase != other.phase) return phase < other.phase;
    if (ready != other.ready) return !ready;
    if (cost != other.cost) return cost < other.cost;
    if (same_node != other.same_node) return same_node > other.same_node;
    if (ready && ready_since != other.ready_since) return younger(ready_since, other.ready_since);
    if (restarts != other.restarts) return restarts > other.restarts;
    return created != other.created && younger(created, other.created);
  }
};

class ReplicaSetController final : public Reconciler {
 public:
  explicit ReplicaSetController(api::Api& api)
      : api_(api),
        sets_(api.schema().resource("apps", "replicasets")),
        pods_(api.schema().resource("", "pods")),
        events_(api, "replicaset-controller") {}

  [[nodiscard]] std::string_view name() const override { return "replicaset"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() == &sets_) return queue.add(event.object->key());
    if (&event.object->resource() != &pods_) return;
    for (const api::ObjectPtr& pod : {event.before, event.object}) {
      if (pod == nullptr) continue;
      if (const auto owner = controller_key(*pod, sets_)) queue.add(*owner);
    }
    if (event.type != api::Event::Type::kDeleted && controller_of(event.object->tree()).is_null()) {
      offer_orphan(*event.object, queue);
    }
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr set = api_.get(key);
    if (set == nullptr) return Again::when_changed();
    const auto selector = api::Selector::from_label_selector(set->at("spec", "selector"));
    if (!selector) return std::unexpected(selector.error());
    auto claimed = claim(api_, *set, pods_, *selector);
    if (!claimed) return std::unexpected(claimed.error());
    std::vector<api::ObjectPtr> active;
    std::int64_t terminating = 0;
    for (const api::ObjectPtr& pod : *claimed) {
      if (pod_is_active(pod->tree())) active.push_back(pod);
      if (pod->deleting() && !pod_is_terminal(pod->tree())) terminating += 1;
    }
    const std::size_t before = active.size();
    Result<> managed;
    if (!set->deleting()) managed = manage(*set, active);
    if (auto written = write_status(*set, active, terminating, before, managed); !written) {
      return std::unexpected(written.error());
    }
    if (!managed) return std::unexpected(managed.error());
    return next_look(*set, active);
  }

 private:
  void offer_orphan(const api::Object& pod, Queue& queue) {
    for (const api::ObjectPtr& set : api_.list(sets_, pod.ns())) {
      const auto selector = api::Selector::from_label_selector(set->at("spec", "selector"));
      if (selector && selector->matches(pod.at("metadata", "labels"))) queue.add(set->key());
    }
  }

  /// Creates or deletes pods; the status counts the pods that were there before, as upstream's does.
  Result<> manage(const api::Object& set, const std::vector<api::ObjectPtr>& active) {
    const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(0, set.at("spec", "replicas").int_or(1)));
    if (active.size() < wanted) return create_pods(set, std::min(wanted - active.size(), kBurstReplicas));
    if (active.size() > wanted) return delete_pods(set, active, std::min(active.size() - wanted, kBurstReplicas));
    return {};
  }

  Result<> create_pods(const api::Object& set, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto pod = api_.create(pods_, set.ns(), pod_from_template(set.at("spec", "template"), set));
      if (!pod) {
        if (namespace_is_going(pod.error())) return {};
        events_.warning(set, "FailedCreate", fmt::format("Error creating: {}", pod.error().message));
        return fail("{}", pod.error().message);
      }
      events_.normal(set, "SuccessfulCreate", fmt::format("Created pod: {}", (*pod)->name()));
    }
    return {};
  }

  Result<> delete_pods(const api::Object& set, const std::vector<api::ObjectPtr>& active, std::size_t count) {
    for (const api::ObjectPtr& pod : first_to_go(set, active, count)) {
      const auto removed = api_.remove(pod->key());
      if (!removed && !removed.error().not_found()) {
        events_.warning(set, "FailedDelete", fmt::format("Error deleting: {}", removed.error().message));
        return fail("{}", removed.error().message);
      }
      events_.normal(set, "SuccessfulDelete", fmt::format("Deleted pod: {}", pod->name()));
    }
    return {};
  }

  std::vector<api::ObjectPtr> first_to_go(const api::Object& set, const std::vector<api::ObjectPtr>& pods,
                                          std::size_t count) {
    const std::map<std::string, int> on_node = related_pods_per_node(set);
    const Time now = api_.clock().now();
    std::vector<DeletionRank> left;
    for (const api::ObjectPtr& pod : pods) {
      const auto it = on_node.find(std::string(pod->at("spec", "nodeName").str()));
      left.push_back(DeletionRank::of(pod, it == on_node.end() ? 0 : it->second));
    }
    // One after the other, because sorting by something that is no order is undefined.
    std::vector<api::ObjectPtr> out;
    while (out.size() < count) {
      auto first = left.begin();
      for (auto it = first; it != left.end(); ++it)
        if (it->goes_before(*first, now)) first = it;
      out.push_back(first->pod);
      left.erase(first);
    }
    return out;
  }

  /// Active pods per node that the ReplicaSets of the same controller select. A ReplicaSet without one has no such
  /// pods, not even its own. Source: getIndirectlyRelatedPods.
  std::map<std::string, int> related_pods_per_node(const api::Object& set) {
    std::map<std::string, int> out;
    const std::string_view owner = controller_of(set.tree()).at("uid").str();
    if (owner.empty()) return out;
    std::set<std::string_view> seen;
    for (const api::ObjectPtr& other : api_.list(sets_, set.ns())) {
      if (controller_of(other->tree()).at("uid").str() != owner) continue;
      const auto selector = api::Selector::from_label_selector(other->at("spec", "selector"));
      if (!selector) continue;
      for (const api::ObjectPtr& pod : api_.list(pods_, set.ns(), *selector)) {
        if (seen.insert(pod->uid()).second && pod_is_active(pod->tree()))
          out[std::string(pod->at("spec", "nodeName").str())] += 1;
      }
    }
    return out;
  }

  Result<> write_status(const api::Object& set, const std::vector<api::ObjectPtr>& active, std::int64_t terminating,
                        std::size_t before, const Result<>& managed) {
    const Time now = api_.clock().now();
    const Duration min_ready = std::chrono::seconds(set.at("spec", "minReadySeconds").int_or(0));
    const api::Selector labels = api::Selector::from_map(set.at("spec", "template", "metadata", "labels"));
    std::int64_t labelled = 0;
    std::int64_t ready = 0;
    std::int64_t available = 0;
    for (const api::ObjectPtr& pod : active) {
      labelled += labels.matches(pod->at("metadata", "labels")) ? 1 : 0;
      ready += pod_is_ready(pod->tree()) ? 1 : 0;
      available += pod_is_available(pod->tree(), min_ready, now) ? 1 : 0;
    }
    const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(0, set.at("spec", "replicas").int_or(1)));
    const auto written = api_.mutate(set.key(), api::Subresource::kStatus, [&](Value& tree) {
      Value& status = tree["status"];
      status.set("replicas", before);
      set_count(status, "fullyLabeledReplicas", labelled);
      set_count(status, "readyReplicas", ready);
      set_count(status, "availableReplicas", available);
      status.set("terminatingReplicas", terminating);
      status.set("observedGeneration", set.at("metadata", "generation").int_or(0));
      if (!managed && condition_called(status, "ReplicaFailure").is_null()) {
        set_condition(status, "ReplicaFailure", "True", before < wanted ? "FailedCreate" : "FailedDelete",
                      managed.error().message, now);
      } else if (managed) {
        drop_condition(status, "ReplicaFailure");
      }
    });
    if (!written && !written.error().not_found()) return fail("{}", written.error().message);
    return {};
  }

  [[nodiscard]] Again next_look(const api::Object& set, const std::vector<api::ObjectPtr>& active) const {
    const Duration min_ready = std::chrono::seconds(set.at("spec", "minReadySeconds").int_or(0));
    std::optional<Duration> next;
    for (const api::ObjectPtr& pod : active) {
      const auto wait = until_available(pod->tree(), min_ready, api_.clock().now());
      if (wait && (!next || *wait < *next)) next = wait;
    }
    return next ? Again::in(*next) : Again::when_changed();
  }

  api::Api& api_;
  const api::Resource& sets_;
  const api::Resource& pods_;
  EventRecorder events_;
};

}  // namespace

std::unique_ptr<Reconciler> make_replica_set_controller(api::Api& api) {
  return std::make_unique<ReplicaSetController>(api);
}

}  // namespace fairlead::control
