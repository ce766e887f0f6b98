#include "engine/control/horizontal_pod_autoscaler.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/quantity.h"
#include "engine/control/autoscaler_behavior.h"
#include "engine/control/autoscaler_replicas.h"
#include "engine/control/conditions.h"
#include "engine/control/event_recorder.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kNanoPerMilli = 1'000'000;
constexpr std::int64_t kMilli = 1000;

/// One look at one autoscaler: what was found and what it says about itself.
struct Look {
  api::ObjectPtr autoscaler;
  Value status;
  std::int64_t current = 0;
  std::int64_t desired = 0;
  std::optional<std::int64_t> failed_desired;  ///< What the status said before nothing could be measured.
  api::Key target;
  std::string selector;
  std::vector<api::ObjectPtr> pods;
};

class HorizontalPodAutoscaler final : public Reconciler {
 public:
  HorizontalPodAutoscaler(api::Api& api, std::vector<seam::Node*> nodes)
      : api_(api),
        nodes_(std::move(nodes)),
        autoscalers_(api.schema().resource("autoscaling", "horizontalpodautoscalers")),
        pods_(api.schema().resource("", "pods")),
        events_(api, "horizontal-pod-autoscaler") {}

  [[nodiscard]] std::string_view name() const override { return "horizontal-pod-autoscaler"; }

  void observe(const api::Event& event, Queue& queue) override {
    if (&event.object->resource() == &autoscalers_) {
      const bool own_status =
          event.before != nullptr && event.before->at("spec") == event.object->at("spec") && !event.object->deleting();
      if (event.type == api::Event::Type::kDeleted || !own_status) queue.add(event.object->key());
      return;
    }
    // A target that has just been made, or was brought out of bounds by hand, is not left waiting for a sync period.
    // Any other change waits: it may be this controller's own, and what the pods that are left use is not known yet.
    if (!event.object->resource().has_scale || event.type == api::Event::Type::kDeleted) return;
    if (event.before != nullptr && event.before->at("spec", "replicas") == event.object->at("spec", "replicas")) return;
    const std::int64_t replicas = event.object->at("spec", "replicas").int_or(1);
    for (const api::ObjectPtr& autoscaler : api_.list(autoscalers_, event.object->ns())) {
      const Value& spec = autoscaler->at("spec");
      const Value& reference = spec.at("scaleTargetRef");
      const bool bounded = replicas >= spec.at("minReplicas").int_or(1) && replicas <= spec.at("maxReplicas").int_or(1);
      if (reference.at("kind").str() == event.object->resource().kind &&
          reference.at("name").str() == event.object->name() && (event.before == nullptr || !bounded)) {
        queue.add(autoscaler->key());
      }
    }
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    Look look;
    look.autoscaler = api_.get(key);
    if (look.autoscaler == nullptr) {
      memory_.erase(key);
      return Again::when_changed();
    }
    look.status = look.autoscaler->at("status");
    if (find_target(look)) decide(look);
    return write_status(look);
  }

 private:
  void condition(Look& look, std::string_view type, bool holds, std::string_view reason,
                 std::string_view message) const {
    set_condition(look.status, type, holds ? "True" : "False", reason, message, api_.clock().now());
  }

  /// Reads the scale of the target. False when there is none; the conditions say why.
  bool find_target(Look& look) {
    const Value& reference = look.autoscaler->at("spec", "scaleTargetRef");
    const api::Resource* kind = api_.schema().by_kind(reference.at("apiVersion").str(), reference.at("kind").str());
    if (kind == nullptr || !kind->has_scale) {
      condition(look, "AbleToScale", false, "FailedGetScale",
                fmt::format("no scale for {} {}", reference.at("apiVersion").str(), reference.at("kind").str()));
      return false;
    }
    look.target = {kind->storage, std::string(look.autoscaler->ns()), std::string(reference.at("name").str())};
    const auto scale = api_.get(look.target, api::Subresource::kScale);
    if (!scale) {
      condition(
          look, "AbleToScale", false, "FailedGetScale",
          fmt::format("the HPA controller was unable to get the target's current scale: {}", scale.error().message));
      return false;
    }
    condition(look, "AbleToScale", true, "SucceededGetScale",
              "the HPA controller was able to get the target's current scale");
    look.current = (*scale)->at("spec", "replicas").int_or(0);
    look.selector = (*scale)->at("status", "selector").str();
    const auto selector = api::Selector::parse(look.selector);
    if (selector && !selector->selects_everything()) look.pods = api_.list(pods_, look.target.ns, *selector);
    return true;
  }

  /// Nothing can be measured; an event says so when that is news.
  void complain(Look& look, std::string_view reason, const std::string& message) const {
    if (set_condition(look.status, "ScalingActive", "False", reason, message, api_.clock().now()))
      events_.warning(*look.autoscaler, reason, message);
  }

  /// Says why the target's pods are not this autoscaler's to count. Source: validateAndParseSelector.
  bool has_own_pods(Look& look) const {
    if (look.selector.empty()) {
      complain(look, "InvalidSelector", "the HPA target's scale is missing a selector");
      return false;
    }
    std::string rivals;
    for (const api::ObjectPtr& each : api_.list(autoscalers_, look.autoscaler->ns())) {
      if (each != look.autoscaler && !selects_any(*each, look.pods)) continue;
      rivals += fmt::format("{}{}/{}", rivals.empty() ? "" : " ", each->ns(), each->name());
    }
    if (!rivals.contains(' ')) return true;
    complain(look, "AmbiguousSelector",
             fmt::format("pods by selector {} are controlled by multiple HPAs: [{}]", look.selector, rivals));
    return false;
  }

  [[nodiscard]] bool selects_any(const api::Object& autoscaler, const std::vector<api::ObjectPtr>& pods) const {
    const Value& reference = autoscaler.at("spec", "scaleTargetRef");
    const api::Resource* kind = api_.schema().by_kind(reference.at("apiVersion").str(), reference.at("kind").str());
    if (kind == nullptr || !kind->has_scale) return false;
    const api::Key target{kind->storage, std::string(autoscaler.ns()), std::string(reference.at("name").str())};
    const auto scale = api_.get(target, api::Subresource::kScale);
    if (!scale) return false;
    const auto selector = api::Selector::parse((*scale)->at("status", "selector").str());
    return selector && !selector->selects_everything() && std::ranges::any_of(pods, [&](const api::ObjectPtr& pod) {
             return selector->matches(pod->at("metadata", "labels"));
           });
  }

  void decide(Look& look) {
    const Value& spec = look.autoscaler->at("spec");
    const std::int64_t least = spec.at("minReplicas").int_or(1);
    const std::int64_t most = spec.at("maxReplicas").int_or(1);
    look.desired = look.current;
    remember_start(memory_[look.autoscaler->key()], look.current, api_.clock().now());
    std::string why;
    if (look.current == 0 && least != 0) {
      return condition(look, "ScalingActive", false, "ScalingDisabled",
                       "scaling is disabled since the replica count of the target is zero");
    }
    if (look.current > most) {
      look.desired = most;
      why = "Current number of replicas above Spec.MaxReplicas";
    } else if (look.current < least) {
      look.desired = least;
      why = "Current number of replicas below Spec.MinReplicas";
    } else if (!follow_metrics(look, why)) {
      return;
    }
    rescale(look, why);
  }

  /// The highest proposal of all metrics, within what behavior allows. False when nothing may be done.
  bool follow_metrics(Look& look, std::string& why) {
    look.failed_desired = look.status.at("desiredReplicas").int_or(0);
    if (!has_own_pods(look)) return false;
    std::optional<std::int64_t> best;
    std::string followed;
    std::optional<std::pair<std::string, std::string>> failure;  // Reason and message of the first one.
    Value measured = Value::array();
    for (const Value& metric : look.autoscaler->at("spec", "metrics").items()) {
      const auto proposal = propose(look, metric, measured);
      if (!proposal) {
        if (!failure)
          failure.emplace(fmt::format("FailedGet{}Metric", metric.at("type").str()), proposal.error().message);
        continue;
      }
      if (best && proposal->replicas <= *best) continue;
      best = proposal->replicas;
      followed = description_of(metric);
    }
    // With one metric missing the others may only ask for more.
    if (!best || (failure && *best < look.current)) {
      if (!failure) failure.emplace("FailedGetResourceMetric", "no metrics are given");
      complain(look, failure->first,
               fmt::format("the HPA was unable to compute the replica count: {}", failure->second));
      return false;
    }
    look.failed_desired.reset();
    condition(look, "ScalingActive", true, "ValidMetricFound",
              fmt::format("the HPA was able to successfully calculate a replica count from {}", followed));
    why = *best < look.current ? "All metrics below target" : followed + " above target";
    look.status.set("currentMetrics", std::move(measured));
    AutoscalerMemory& memory = memory_[look.autoscaler->key()];
    const Limited limited =
        limit_replicas(look.autoscaler->at("spec"), look.current, *best, api_.clock().now(), memory);
    look.desired = limited.replicas;
    condition(look, "AbleToScale", true, limited.able_reason.empty() ? "ReadyForNewScale" : limited.able_reason,
              limited.able_reason.empty() ? "recommended size matches current size" : limited.able_message);
    condition(look, "ScalingLimited", limited.limited, limited.limit_reason, limited.limit_message);
    return true;
  }

  [[nodiscard]] static std::string description_of(const Value& metric) {
    const bool container = metric.at("type").str() == "ContainerResource";
    const Value& source = metric.at(container ? "containerResource" : "resource");
    if (!source.at("target").has("averageUtilization")) return fmt::format("{} resource", source.at("name").str());
    return fmt::format("{} {}resource utilization (percentage of request)", source.at("name").str(),
                       container ? "container " : "");
  }

  Result<ReplicaProposal> propose(const Look& look, const Value& metric, Value& measured) const {
    const std::string_view type = metric.at("type").str();
    if (type != "Resource" && type != "ContainerResource")
      return fail("metrics of type {} are not acted on here", type);
    const std::string_view field = type == "Resource" ? "resource" : "containerResource";
    const Value& source = metric.at(field);
    ResourceTarget target;
    target.resource = source.at("name").str();
    target.container = source.at("container").str();
    target.utilization = source.at("target", "averageUtilization").int_or(0);
    if (target.utilization == 0) target.average_milli = Quantity::of(source.at("target", "averageValue")).milli_value();
    if (target.utilization == 0 && target.average_milli == 0)
      return fail("invalid {} metric source: neither a utilization target nor a value target was set", target.resource);
    auto proposal =
        propose_replicas(look.pods, metrics_of(look, target), target,
                         Tolerance::of(look.autoscaler->at("spec", "behavior")), look.current, api_.clock().now());
    if (!proposal)
      return std::unexpected(wrap(fmt::format("failed to get {} utilization", target.resource), proposal.error()));
    const Quantity average = target.resource == "cpu" ? Quantity::of_milli(proposal->average_milli)
                                                      : Quantity::of_bytes(proposal->average_milli / kMilli);
    Value current = Value::object({{"averageValue", average.text()}});
    if (target.utilization > 0) current.set("averageUtilization", proposal->utilization);
    Value status = Value::object({{"name", target.resource}, {"current", std::move(current)}});
    if (!target.container.empty()) status.set("container", target.container);
    measured.push_back(
        Value::object({{"type", type}, {field == "resource" ? "resource" : "containerResource", std::move(status)}}));
    return proposal;
  }

  [[nodiscard]] std::map<std::string, PodMetric> metrics_of(const Look& look, const ResourceTarget& target) const {
    std::map<std::string, PodMetric> out;
    for (const seam::Node* node : nodes_) {
      for (const seam::PodUsage& usage : node->usage()) {
        const auto pod = std::ranges::find(look.pods, usage.uid, [](const api::ObjectPtr& p) { return p->uid(); });
        if (pod == look.pods.end()) continue;
        PodMetric metric{0, usage.at, usage.window};
        bool measured = false;
        for (const seam::ContainerUsage& c : usage.containers) {
          if (!target.container.empty() && c.container != target.container) continue;
          measured = true;
          metric.milli += target.resource == "cpu" ? c.cpu_nano_cores / kNanoPerMilli : c.memory_bytes * kMilli;
        }
        if (measured) out[std::string((*pod)->name())] = metric;
      }
    }
    return out;
  }

  void rescale(Look& look, const std::string& why) {
    if (look.desired == look.current) return;
    const auto scaled = api_.mutate(look.target, api::Subresource::kNone,
                                    [&](Value& object) { object.make("spec").set("replicas", look.desired); });
    if (!scaled) {
      events_.warning(*look.autoscaler, "FailedRescale",
                      fmt::format("New size: {}; reason: {}; error: {}", look.desired, why, scaled.error().message));
      condition(look, "AbleToScale", false, "FailedUpdateScale",
                fmt::format("the HPA controller was unable to update the target scale: {}", scaled.error().message));
      look.desired = look.current;
      return;
    }
    const Time now = api_.clock().now();
    events_.normal(*look.autoscaler, "SuccessfulRescale", fmt::format("New size: {}; reason: {}", look.desired, why));
    condition(look, "AbleToScale", true, "SucceededRescale",
              fmt::format("the HPA controller was able to update the target scale to {}", look.desired));
    look.status.set("lastScaleTime", format_time(now));
    remember_change(memory_[look.autoscaler->key()], look.current, look.desired, now);
  }

  Result<Again> write_status(Look& look) {
    look.status.set("observedGeneration", look.autoscaler->at("metadata", "generation"));
    look.status.set("currentReplicas", look.current).set("desiredReplicas", look.failed_desired.value_or(look.desired));
    const auto written = api_.mutate(look.autoscaler->key(), api::Subresource::kStatus,
                                     [&](Value& object) { object.set("status", look.status); });
    if (!written && !written.error().not_found()) return fail("{}", written.error().message);
    const Value& active = condition_called(look.status, "ScalingActive");
    const std::string_view reason = active.at("reason").str();
    return Again::in(reason.starts_with("FailedGet") || reason == "InvalidSelector" ? kAutoscalerRetry
                                                                                    : kAutoscalerSync);
  }

  api::Api& api_;
  std::vector<seam::Node*> nodes_;
  const api::Resource& autoscalers_;
  const api::Resource& pods_;
  EventRecorder events_;
  std::map<api::Key, AutoscalerMemory> memory_;
};

}  // namespace

std::unique_ptr<Reconciler> make_horizontal_pod_autoscaler(api::Api& api, std::vector<seam::Node*> nodes) {
  return std::make_unique<HorizontalPodAutoscaler>(api, std::move(nodes));
}

}  // namespace fairlead::control
