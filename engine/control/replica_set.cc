// Source: pkg/controller/replicaset/replica_set.go and replica_set_utils.go.
#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

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

std::int64_t deletion_cost(const Value& pod) {
  const std::string text(pod.at("metadata", "annotations", kDeletionCost).str());
  return std::strtoll(text.c_str(), nullptr, 10);
}

std::int64_t most_restarts(const Value& pod) {
  std::int64_t most = 0;
  for (const Value& c : pod.at("status", "containerStatuses").items()) {
    most = std::max(most, c.at("restartCount").int_or(0));
  }
  return most;
}

/// The power of two of an age: pods of about the same age count as equally old. Source: logarithmicRankDiff.
int age_rank(Time t, Time now) {
  const auto nanoseconds = std::chrono::nanoseconds(now - t).count();
  return nanoseconds <= 0 ? -1 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(nanoseconds))) - 1;
}

/// What decides which pods go first, smallest first. Source: controller_utils.go, ActivePodsWithRanks.Less.
auto deletion_order(const Value& pod, int same_node, Time now) {
  const std::string_view phase = pod.at("status", "phase").str();
  const int phase_rank = phase == "Running" ? 2 : phase == "Unknown" ? 1 : 0;
  const bool ready = pod_is_ready(pod);
  const Time created = parse_time(pod.at("metadata", "creationTimestamp").str()).value_or(Time());
  return std::tuple(!pod.at("spec", "nodeName").str().empty(), phase_rank, ready, deletion_cost(pod), -same_node,
                    ready ? age_rank(pod_ready_since(pod), now) : 0, -most_restarts(pod), age_rank(created, now),
                    std::string(pod.at("metadata", "uid").str()));
}

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
        events_.warning(set, "FailedCreate", fmt::format("Error creating: {}", pod.error().message));
        return fail("{}", pod.error().message);
      }
      events_.normal(set, "SuccessfulCreate", fmt::format("Created pod: {}", (*pod)->name()));
    }
    return {};
  }

  Result<> delete_pods(const api::Object& set, std::vector<api::ObjectPtr> pods, std::size_t count) {
    const std::map<std::string, int> on_node = related_pods_per_node(set);
    const Time now = api_.clock().now();
    std::ranges::sort(pods, {}, [&](const api::ObjectPtr& pod) {
      const auto it = on_node.find(std::string(pod->at("spec", "nodeName").str()));
      return deletion_order(pod->tree(), it == on_node.end() ? 0 : it->second, now);
    });
    pods.resize(count);
    for (const api::ObjectPtr& pod : pods) {
      const auto removed = api_.remove(pod->key());
      if (!removed && !removed.error().not_found()) {
        events_.warning(set, "FailedDelete", fmt::format("Error deleting: {}", removed.error().message));
        return fail("{}", removed.error().message);
      }
      events_.normal(set, "SuccessfulDelete", fmt::format("Deleted pod: {}", pod->name()));
    }
    return {};
  }

  /// Active pods per node of every ReplicaSet with the same controller. Source: getIndirectlyRelatedPods.
  std::map<std::string, int> related_pods_per_node(const api::Object& set) {
    std::map<std::string, int> out;
    const std::string_view owner = controller_of(set.tree()).at("uid").str();
    for (const api::ObjectPtr& other : api_.list(sets_, set.ns())) {
      const bool related =
          owner.empty() ? other->uid() == set.uid() : controller_of(other->tree()).at("uid").str() == owner;
      if (!related) continue;
      for (const api::ObjectPtr& pod : api_.store().owned(other->uid())) {
        if (&pod->resource() == &pods_ && pod_is_active(pod->tree())) {
          out[std::string(pod->at("spec", "nodeName").str())] += 1;
        }
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
