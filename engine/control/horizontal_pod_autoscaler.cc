#include "engine/control/horizontal_pod_autoscaler.h"

#include <algorithm>
#include <map>
#include <optional>

#include "engine/control/autoscaler_behavior.h"
#include "engine/control/autoscaler_metrics.h"
#include "engine/control/conditions.h"
#include "engine/control/event_recorder.h"

namespace fairlead::control {
namespace {

/// One look at one autoscaler: what was found and what it says about itself.
struct Look {
  api::ObjectPtr autoscaler;
  Value status;
  std::int64_t current = 0;
  std::int64_t desired = 0;
  bool has_target = false;
  bool failed = false;              ///< The wish of the last look stands.
  Value measured = Value::array();  ///< One entry per metric, in their order; empty when none was looked at.
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
    const std::string_view version = reference.at("apiVersion").str();
    const api::Resource* kind = api_.schema().by_kind(version, reference.at("kind").str());
    if (kind == nullptr) {
      const auto slash = version.find('/');
      return no_scale(look, fmt::format("no matches for kind \"{}\" in group \"{}\"", reference.at("kind").str(),
                                        slash == std::string_view::npos ? "" : version.substr(0, slash)));
    }
    if (!kind->has_scale) return no_scale(look, "the server could not find the requested resource");
    look.target = {kind->storage, std::string(look.autoscaler->ns()), std::string(reference.at("name").str())};
    const auto scale = api_.get(look.target, api::Subresource::kScale);
    if (!scale) return no_scale(look, scale.error().message);
    look.has_target = true;
    condition(look, "AbleToScale", true, "SucceededGetScale",
              "the HPA controller was able to get the target's current scale");
    look.current = (*scale)->at("spec", "replicas").int_or(0);
    look.selector = (*scale)->at("status", "selector").str();
    const auto selector = api::Selector::parse(look.selector);
    if (selector && !selector->selects_everything()) look.pods = api_.list(pods_, look.target.ns, *selector);
    return true;
  }

  bool no_scale(Look& look, const std::string& why) const {
    const std::string message = "the HPA controller was unable to get the target's current scale: " + why;
    if (set_condition(look.status, "AbleToScale", "False", "FailedGetScale", message, api_.clock().now()))
      events_.warning(*look.autoscaler, "FailedGetScale", why);
    return false;
  }

  struct Complaint {
    std::string reason;
    std::string message;
    std::string event_reason;
    std::string event;
    std::string error;  ///< Of the whole look.
  };

  /// Nothing can be measured. Upstream repeats the events in every period; here they are for news.
  void complain(Look& look, const Complaint& about) const {
    look.failed = true;
    if (!set_condition(look.status, "ScalingActive", "False", about.reason, about.message, api_.clock().now())) return;
    events_.warning(*look.autoscaler, about.event_reason, about.event);
    events_.warning(*look.autoscaler, "FailedComputeMetricsReplicas", about.error);
  }

  /// Says why the target's pods are not this autoscaler's to count. Source: validateAndParseSelector.
  bool has_own_pods(Look& look) const {
    if (look.selector.empty()) {
      complain(look, {"InvalidSelector", "the HPA target's scale is missing a selector", "SelectorRequired",
                      "selector is required", "selector is required"});
      return false;
    }
    std::string rivals;
    for (const api::ObjectPtr& each : api_.list(autoscalers_, look.autoscaler->ns())) {
      if (each != look.autoscaler && !selects_any(*each, look.pods)) continue;
      rivals += fmt::format("{}{}/{}", rivals.empty() ? "" : " ", each->ns(), each->name());
    }
    if (!rivals.contains(' ')) return true;
    const std::string message =
        fmt::format("pods by selector {} are controlled by multiple HPAs: [{}]", look.selector, rivals);
    complain(look, {"AmbiguousSelector", message, "AmbiguousSelector", message, message});
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
    if (look.current == 0) {
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
    if (!has_own_pods(look)) return false;
    const Value& spec = look.autoscaler->at("spec");
    const Tolerance tolerance = Tolerance::of(spec.at("behavior"));
    std::optional<std::int64_t> best;
    std::string followed;
    const Value* failed = nullptr;  // The first one.
    std::string failure = "no metrics are given";
    std::size_t failures = 0;
    for (const Value& metric : spec.at("metrics").items()) {
      auto proposal = propose_for_metric(metric, look.pods, nodes_, tolerance, look.current, api_.clock().now());
      // A failed one has an entry, too: readers such as kubectl count on the order.
      look.measured.push_back(proposal ? std::move(proposal->status) : Value::object({{"type", ""}}));
      if (!proposal) {
        if (failures++ > 0) continue;
        failed = &metric;
        failure = proposal.error().message;
      } else if (!best || *best == 0 || proposal->replicas > *best) {
        best = proposal->replicas;
        followed = description_of_metric(metric);
      }
    }
    // With one metric missing the others may only ask for more.
    if (!best || (failures > 0 && *best < look.current)) {
      const std::string type(failed == nullptr ? "Resource" : failed->at("type").str());
      const std::string name = failed == nullptr ? "any" : short_name_of_metric(*failed);
      const std::string reason = fmt::format("FailedGet{}Metric", type);
      complain(look,
               {reason, fmt::format("the HPA was unable to compute the replica count: {}", failure), reason, failure,
                fmt::format("invalid metrics ({} invalid out of {}), first error is: failed to get {} metric value: {}",
                            failures, look.measured.items().size(), name, failure)});
      return false;
    }
    condition(look, "ScalingActive", true, "ValidMetricFound",
              fmt::format("the HPA was able to successfully calculate a replica count from {}", followed));
    if (*best < look.current) why = "All metrics below target";
    if (*best > look.current) why = followed + " above target";
    limit(look, *best);
    return true;
  }

  void limit(Look& look, std::int64_t wanted) {
    AutoscalerMemory& memory = memory_[look.autoscaler->key()];
    const Limited limited =
        limit_replicas(look.autoscaler->at("spec"), look.current, wanted, api_.clock().now(), memory);
    look.desired = limited.replicas;
    condition(look, "AbleToScale", true, limited.able_reason.empty() ? "ReadyForNewScale" : limited.able_reason,
              limited.able_reason.empty() ? "recommended size matches current size" : limited.able_message);
    condition(look, "ScalingLimited", limited.limited, limited.limit_reason, limited.limit_message);
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
      look.failed = true;
      return;
    }
    const Time now = api_.clock().now();
    events_.normal(*look.autoscaler, "SuccessfulRescale", fmt::format("New size: {}; reason: {}", look.desired, why));
    condition(look, "AbleToScale", true, "SucceededRescale",
              fmt::format("the HPA controller was able to update the target scale to {}", look.desired));
    look.status.set("lastScaleTime", format_time(now));
    if (look.autoscaler->at("spec", "behavior").is_null()) return;  // Nothing would ask for it.
    remember_change(memory_[look.autoscaler->key()], look.current, look.desired, now);
  }

  Result<Again> write_status(Look& look) {
    if (look.has_target) {
      if (look.failed) look.desired = look.status.at("desiredReplicas").int_or(0);
      look.status.set("currentReplicas", look.current).set("desiredReplicas", look.desired);
      // Figures of an earlier look would pass for those of this one. Source: setStatus.
      look.status.erase("currentMetrics");
      if (!look.measured.empty()) look.status.set("currentMetrics", std::move(look.measured));
    }
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
