// Source: pkg/controller/disruption/disruption.go.
#include <algorithm>
#include <map>
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
constexpr std::string_view kAllowed = "DisruptionAllowed";

/// As upstream prints a LabelSelector into a message.
std::string text_of_selector(const Value& selector) {
  std::map<std::string_view, std::string_view> labels;
  for (const Member& m : selector.at("matchLabels").members()) labels.emplace(m.key, m.value.str());
  std::string out = "&LabelSelector{MatchLabels:map[string]string{";
  for (const auto& [key, value] : labels) out += fmt::format("{}: {},", key, value);
  out += "},MatchExpressions:[]LabelSelectorRequirement{";
  for (const Value& requirement : selector.at("matchExpressions").items()) {
    std::string values;
    for (const Value& value : requirement.at("values").items())
      values += (values.empty() ? "" : " ") + std::string(value.str());
    out += fmt::format("LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},", requirement.at("key").str(),
                       requirement.at("operator").str(), values);
  }
  return out + "},}";
}

class DisruptionController final : public Reconciler {
  using Selector = Result<api::Selector>;

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
      const Selector selector = selector_of(*budget);
      const bool concerned =
          selects(selector, *event.object) || (event.before != nullptr && selects(selector, *event.before));
      if (concerned) queue.add(budget->key());
    }
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr budget = api_.get(key);
    if (budget == nullptr) return Again::when_changed();
    const Selector selector = selector_of(*budget);
    std::vector<api::ObjectPtr> pods;
    for (const api::ObjectPtr& pod : api_.list(pods_, budget->ns())) {
      if (selects(selector, *pod)) pods.push_back(pod);
    }
    if (pods.empty()) events_.normal(*budget, "NoPods", "No matching pods found");
    tell_of_rivals(*budget, pods);
    const Result<Wanted> wanted = wanted_of(*budget, pods);
    if (!wanted) return fail_safe(*budget, wanted.error().message);
    if (wanted->unmanaged) {
      events_.warning(
          *budget, "UnmanagedPods",
          fmt::format("Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. "
                      "As a result, the status of the PDB cannot be calculated correctly, which may result "
                      "in undefined behavior. To account for these pods please set \".spec.minAvailable\" "
                      "field of the PDB to an integer value.",
                      text_of_selector(budget->at("spec", "selector"))));
    }
    return write_status(*budget, pods, *wanted);
  }

 private:
  struct Disrupted {
    Value still = Value::object();
    std::optional<Duration> next;
  };
  /// How many pods there should be, and how many of them healthy.
  struct Wanted {
    std::int64_t expected = 0;
    std::int64_t healthy = 0;
    bool unmanaged = false;  ///< Pods that nothing controls are not in these numbers.
  };

  Result<Again> write_status(const api::Object& budget, const std::vector<api::ObjectPtr>& pods, const Wanted& wanted) {
    const Disrupted disrupted = disrupted_pods(budget, pods);
    const auto healthy = std::ranges::count_if(pods, [&](const api::ObjectPtr& pod) {
      return !pod->deleting() && !disrupted.still.has(pod->name()) && pod_is_ready(pod->tree());
    });
    const std::int64_t allowed = wanted.expected <= 0 ? 0 : std::max<std::int64_t>(0, healthy - wanted.healthy);
    const auto written = api_.mutate(budget.key(), api::Subresource::kStatus, [&](Value& tree) {
      Value& status = tree["status"];
      status.set("currentHealthy", healthy);
      status.set("desiredHealthy", wanted.healthy);
      status.set("expectedPods", wanted.expected);
      status.set("disruptionsAllowed", allowed);
      status.set("observedGeneration", budget.at("metadata", "generation").int_or(0));
      status.erase("disruptedPods");
      if (!disrupted.still.empty()) status.set("disruptedPods", disrupted.still);
      set_allowed(status, allowed > 0, allowed > 0 ? "SufficientPods" : "InsufficientPods", "");
    });
    if (!written) return fail("{}", written.error().message);
    return disrupted.next ? Again::in(*disrupted.next) : Again::when_changed();
  }

  /// What cannot be counted may not be disrupted. Nothing is tried again before something changes, as upstream's does
  /// not. Source: failSafe.
  Result<Again> fail_safe(const api::Object& budget, const std::string& why) {
    events_.warning(budget, "CalculateExpectedPodCountFailed",
                    fmt::format("Failed to calculate the number of expected pods: {}", why));
    const auto written = api_.mutate(budget.key(), api::Subresource::kStatus, [&](Value& tree) {
      Value& status = tree["status"];
      for (const std::string_view count : {"currentHealthy", "desiredHealthy", "expectedPods"})
        if (!status.has(count)) status.set(count, 0);
      status.set("disruptionsAllowed", 0);
      set_allowed(status, false, "SyncFailed", why);
    });
    if (!written) return fail("{}", written.error().message);
    return Again::when_changed();
  }

  /// The condition, of the generation that the counts are of. Source: UpdateDisruptionAllowedCondition.
  void set_allowed(Value& status, bool allowed, std::string_view reason, std::string_view message) const {
    set_condition(status, kAllowed, allowed ? "True" : "False", reason, message, api_.clock().now());
    Value condition = condition_called(status, kAllowed);
    condition.set("message", message);
    if (const Value& generation = status.at("observedGeneration"); !generation.is_null())
      condition.set("observedGeneration", generation);
    put_condition(status, std::move(condition));
  }

  /// Says of each pod that several budgets select it: no eviction of it will be allowed. Upstream counts for one of
  /// them only then; here all stay right, and the first of them says so. Source: getPdbForPod.
  void tell_of_rivals(const api::Object& budget, const std::vector<api::ObjectPtr>& pods) const {
    const std::vector<api::ObjectPtr> budgets = api_.list(budgets_, budget.ns());
    if (budgets.size() < 2) return;
    std::vector<Selector> before;
    std::vector<Selector> after;
    bool passed = false;
    for (const api::ObjectPtr& each : budgets) {
      if (each->uid() == budget.uid()) {
        passed = true;
      } else {
        (passed ? after : before).push_back(selector_of(*each));
      }
    }
    for (const api::ObjectPtr& pod : pods) {
      const auto selecting = [&](const Selector& each) { return selects(each, *pod); };
      if (std::ranges::any_of(before, selecting) || std::ranges::none_of(after, selecting)) continue;
      events_.warning(*pod, "MultiplePodDisruptionBudgets",
                      fmt::format("Pod \"{}\"/\"{}\" matches multiple PodDisruptionBudgets.  Chose \"{}\" arbitrarily.",
                                  pod->ns(), pod->name(), budget.name()));
    }
  }

  static Selector selector_of(const api::Object& budget) {
    return api::Selector::from_label_selector(budget.at("spec", "selector"));
  }
  static bool selects(const Selector& selector, const api::Object& pod) {
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

  /// Source: getExpectedPodCount.
  [[nodiscard]] Result<Wanted> wanted_of(const api::Object& budget, const std::vector<api::ObjectPtr>& pods) const {
    const Value& most_away = budget.at("spec", "maxUnavailable");
    const Value& least = budget.at("spec", "minAvailable");
    if (most_away.is_null() && !least.is_string())
      return Wanted{.expected = static_cast<std::int64_t>(pods.size()), .healthy = least.int_or(0)};
    Result<Wanted> out = expected_scale(pods);
    if (!out) return out;
    out->healthy = most_away.is_null()
                       ? scaled_value(least, out->expected, true)
                       : std::max<std::int64_t>(0, out->expected - scaled_value(most_away, out->expected, true));
    return out;
  }

  /// The sum of the wanted replicas of everything that controls the pods. Source: getExpectedScale.
  [[nodiscard]] Result<Wanted> expected_scale(const std::vector<api::ObjectPtr>& pods) const {
    Wanted out;
    std::set<std::string> seen;
    for (const api::ObjectPtr& pod : pods) {
      const Value& reference = controller_of(pod->tree());
      out.unmanaged = out.unmanaged || reference.is_null();
      if (reference.is_null()) continue;
      const auto owner = scaled_owner(*pod, reference);
      if (!owner) return std::unexpected(owner.error());
      if (seen.insert(std::string((*owner)->uid())).second) out.expected += replicas_of((*owner)->tree());
    }
    return out;
  }

  /// What decides how many pods like this one there are. A Deployment counts as a whole; what another kind controls
  /// counts by its ReplicaSets, so a canary's pods come on top. Source: finders.
  [[nodiscard]] Result<api::ObjectPtr> scaled_owner(const api::Object& pod, const Value& reference) const {
    const std::string_view version = reference.at("apiVersion").str();
    const std::string_view kind_name = reference.at("kind").str();
    const api::Resource* kind = api_.schema().by_kind(version, kind_name);
    if (kind == nullptr) return fail("no matches for kind \"{}\" in version \"{}\"", kind_name, version);
    if (!kind->has_scale) {
      return fail("{}{}{} does not implement the scale subresource", kind->plural, kind->group.empty() ? "" : ".",
                  kind->group);
    }
    api::ObjectPtr owner = api_.store().by_uid(reference.at("uid").str());
    if (owner == nullptr || owner->ns() != pod.ns()) return fail("found no controllers for pod \"{}\"", pod.name());
    const api::ObjectPtr above = api_.store().by_uid(controller_of(owner->tree()).at("uid").str());
    return above != nullptr && &above->resource() == &deployments_ ? above : owner;
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
