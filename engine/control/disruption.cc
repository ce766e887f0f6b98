// Source: pkg/controller/disruption/disruption.go.
#include <algorithm>
#include <set>

#include "engine/control/conditions.h"
#include "engine/control/deployment_math.h"
#include "engine/control/event_recorder.h"
#include "engine/control/ownership.h"
#include "engine/control/pod_state.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

/// An eviction that was allowed but did not become a deletion counts no longer than this.
constexpr Duration kDeletionTimeout = std::chrono::minutes(2);

class DisruptionController final : public Reconciler {
 public:
  explicit DisruptionController(api::Api& api)
      : api_(api),
        budgets_(api.schema().resource("policy", "poddisruptionbudgets")),
        pods_(api.schema().resource("", "pods")),
        deployments_(api.schema().resource("apps", "deployments")),
        events_(api, "controllermanager") {}

  [[nodiscard]] std::string_view name() const override { return "disruption"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() == &budgets_) return queue.add(event.object->key());
    if (&event.object->resource() != &pods_) return;
    for (const api::ObjectPtr& budget : api_.list(budgets_, event.object->ns())) {
      const bool concerned =
          selects(*budget, *event.object) || (event.before != nullptr && selects(*budget, *event.before));
      if (concerned) queue.add(budget->key());
    }
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr budget = api_.get(key);
    if (budget == nullptr) return Again::when_changed();
    std::vector<api::ObjectPtr> pods;
    for (const api::ObjectPtr& pod : api_.list(pods_, budget->ns())) {
      if (selects(*budget, *pod) && !pod_is_terminal(pod->tree())) pods.push_back(pod);
    }
    const Disrupted disrupted = disrupted_pods(*budget, pods);
    const auto [expected, desired] = wanted(*budget, pods);
    const auto healthy = std::ranges::count_if(pods, [&, this_map = &disrupted.still](const api::ObjectPtr& pod) {
      return !pod->deleting() && !this_map->has(pod->name()) && pod_is_ready(pod->tree());
    });
    const std::int64_t allowed = expected <= 0 ? 0 : std::max<std::int64_t>(0, healthy - desired);
    const auto written = api_.mutate(key, api::Subresource::kStatus, [&](Value& tree) {
      Value& status = tree["status"];
      status.set("currentHealthy", healthy);
      status.set("desiredHealthy", desired);
      status.set("expectedPods", expected);
      status.set("disruptionsAllowed", allowed);
      status.set("observedGeneration", budget->at("metadata", "generation").int_or(0));
      status.erase("disruptedPods");
      if (!disrupted.still.empty()) status.set("disruptedPods", disrupted.still);
      set_condition(status, "DisruptionAllowed", allowed > 0 ? "True" : "False",
                    allowed > 0 ? "SufficientPods" : "InsufficientPods", "", api_.clock().now());
    });
    if (!written) return fail("{}", written.error().message);
    return disrupted.next ? Again::in(*disrupted.next) : Again::when_changed();
  }

 private:
  struct Disrupted {
    Value still = Value::object();
    std::optional<Duration> next;
  };

  static bool selects(const api::Object& budget, const api::Object& pod) {
    const auto selector = api::Selector::from_label_selector(budget.at("spec", "selector"));
    return selector && selector->matches(pod.at("metadata", "labels"));
  }

  /// Evictions that are still expected to become deletions. Source: buildDisruptedPodMap.
  Disrupted disrupted_pods(const api::Object& budget, const std::vector<api::ObjectPtr>& pods) const {
    Disrupted out;
    for (const Member& m : budget.at("status", "disruptedPods").members()) {
      const auto pod = std::ranges::find_if(pods, [&](const api::ObjectPtr& p) { return p->name() == m.key; });
      if (pod == pods.end() || (*pod)->deleting()) continue;
      const Duration left = parse_time(m.value.str()).value_or(Time()) + kDeletionTimeout - api_.clock().now();
      if (left <= Duration(0)) {
        events_.warning(
            **pod, "NotDeleted",
            fmt::format("Pod was expected by PDB {}/{} to be deleted but it wasn't", budget.ns(), budget.name()));
        continue;
      }
      out.still.set(m.key, m.value);
      if (!out.next || left < *out.next) out.next = left;
    }
    return out;
  }

  /// How many pods there should be, and how many of them healthy. Source: getExpectedPodCount.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> wanted(const api::Object& budget,
                                                             const std::vector<api::ObjectPtr>& pods) const {
    const Value& most_away = budget.at("spec", "maxUnavailable");
    if (!most_away.is_null()) {
      const std::int64_t expected = expected_scale(pods);
      return {expected, std::max<std::int64_t>(0, expected - scaled_value(most_away, expected, true))};
    }
    const Value& least = budget.at("spec", "minAvailable");
    if (!least.is_string()) return {static_cast<std::int64_t>(pods.size()), least.int_or(0)};
    const std::int64_t expected = expected_scale(pods);
    return {expected, scaled_value(least, expected, true)};
  }

  /// The sum of the wanted replicas of everything that controls the pods. A Deployment counts as a whole; what another
  /// kind controls counts by its ReplicaSets, so a canary's pods come on top. Source: getPodReplicaSet.
  [[nodiscard]] std::int64_t expected_scale(const std::vector<api::ObjectPtr>& pods) const {
    std::set<std::string> seen;
    std::int64_t sum = 0;
    for (const api::ObjectPtr& pod : pods) {
      api::ObjectPtr owner = api_.store().by_uid(controller_of(pod->tree()).at("uid").str());
      if (owner == nullptr) continue;
      const api::ObjectPtr above = api_.store().by_uid(controller_of(owner->tree()).at("uid").str());
      if (above != nullptr && &above->resource() == &deployments_) owner = above;
      if (seen.insert(std::string(owner->uid())).second) sum += replicas_of(owner->tree());
    }
    return sum;
  }

  api::Api& api_;
  const api::Resource& budgets_;
  const api::Resource& pods_;
  const api::Resource& deployments_;
  EventRecorder events_;
};

}  // namespace

std::unique_ptr<Reconciler> make_disruption_controller(api::Api& api) {
  return std::make_unique<DisruptionController>(api);
}

}  // namespace fairlead::control
