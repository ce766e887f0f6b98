#include "engine/control/rollout_look.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/control/conditions.h"
#include "engine/control/delivery_names.h"
#include "engine/control/ownership.h"
#include "engine/control/pod_state.h"
#include "engine/control/rollout_template.h"
#include "engine/control/rollout_validation.h"

namespace fairlead::control {
namespace {

void find_replica_sets(RolloutLook& look) {
  for (const auto& object : look.in.api.store().owned(look.rollout->uid()))
    if (&object->resource() == &look.in.replica_sets && is_controlled_by(object->tree(), *look.rollout))
      look.all.push_back(object);
  std::ranges::sort(look.all, [](const api::ObjectPtr& a, const api::ObjectPtr& b) {
    return std::pair(creation_of(*a), a->name()) < std::pair(creation_of(*b), b->name());
  });
  look.canary = find_current(look.in, *look.rollout, look.all);
  if (look.stable_hash().empty()) return;
  if (look.canary && pod_hash_of(look.canary) == look.stable_hash()) {
    look.stable = look.canary;
    return;
  }
  for (const auto& each : look.all)
    if (!look.stable && pod_hash_of(each) == look.stable_hash()) look.stable = each;
}

void find_runs(RolloutLook& look) {
  const Value& canary = look.old_status().at("canary");
  const std::string_view step = canary.at("currentStepAnalysisRunStatus", "name").str();
  const std::string_view background = canary.at("currentBackgroundAnalysisRunStatus", "name").str();
  for (const auto& object : look.in.api.store().owned(look.rollout->uid())) {
    if (&object->resource() != &look.in.runs || !is_controlled_by(object->tree(), *look.rollout)) continue;
    if (object->name() == step) {
      look.step_run = object;
    } else if (object->name() == background) {
      look.background_run = object;
    } else {
      look.other_runs.push_back(object);
    }
  }
}

/// Whether a ReplicaSet's pods are Ready as the node reports them now. Its own status may still be that of a life
/// before.
bool has_ready_pods(const RolloutLook& look, const api::ObjectPtr& replica_set) {
  const auto pods = look.in.api.store().owned(replica_set->uid());
  const auto ready = std::ranges::count_if(pods, [&](const api::ObjectPtr& pod) {
    return &pod->resource() == &look.in.pods && !pod->deleting() && pod_is_ready(pod->tree());
  });
  return ready >= desired_replicas(*replica_set);
}

/// Asks the gate whether this Rollout may go on, and tells it what it waits for.
void ask_gate(RolloutLook& look) {
  ResumeGate& gate = *look.in.gate;
  const std::string_view uid = look.rollout->uid();
  gate.at_update(uid, pod_hash_of(look.canary));
  if (!gate.held_until(uid, look.now)) return;
  const bool ready =
      std::ranges::all_of(look.all, [&](const api::ObjectPtr& each) { return has_ready_pods(look, each); });
  Duration window = kShortestWindow;
  for (const auto& run : {look.step_run, look.background_run})
    if (run) window = std::max(window, window_of(run->at("spec", "metrics")));
  gate.report(uid, ready, window, look.now);
  look.held_until = gate.held_until(uid, look.now);
  if (look.held_until) look.look_again(*look.held_until - look.now);
}

std::optional<ReplicaCounts> counts_of(const api::ObjectPtr& replica_set) {
  if (!replica_set) return std::nullopt;
  return ReplicaCounts{desired_replicas(*replica_set), available_replicas(*replica_set),
                       created_replicas(*replica_set)};
}

std::int32_t narrow(const Value& value, std::int64_t otherwise) {
  return static_cast<std::int32_t>(value.int_or(otherwise));
}

}  // namespace

RolloutServices::RolloutServices(api::Api& a, std::shared_ptr<ResumeGate> g)
    : api(a),
      readings(std::make_unique<std::map<api::Key, RolloutReading>>()),
      gate(std::move(g)),
      events(a, "rollouts-controller"),
      rollouts(a.schema().resource(kRolloutsGroup, "rollouts")),
      replica_sets(a.schema().resource("apps", "replicasets")),
      pods(a.schema().resource("", "pods")),
      services(a.schema().resource("", "services")),
      runs(a.schema().resource(kRolloutsGroup, "analysisruns")),
      routes(a.schema().resource("gateway.networking.k8s.io", "httproutes")),
      pod_templates(a.schema().resource("", "podtemplates")) {}

const RolloutReading& RolloutServices::reading_of(const api::Object& rollout) const {
  RolloutReading& out = (*readings)[rollout.key()];
  const Value& generation = rollout.at("metadata", "generation");
  const Value& labels = rollout.at("metadata", "labels");
  const Value& annotations = rollout.at("metadata", "annotations");
  if (out.uid == rollout.uid() && out.generation == generation && out.labels == labels &&
      out.annotations == annotations)
    return out;
  out = RolloutReading{std::string(rollout.uid()), generation, labels, annotations, {}, {}};
  if (const auto problems = rollout_problems(api.schema(), rollout.tree()); !problems.empty())
    out.problem = fmt::format("{}: {}", problems.front().field, problems.front().message);
  out.pod_template = typed_template(api.schema(), rollout.at("spec", "template"));
  return out;
}

RolloutLook::RolloutLook(const RolloutServices& services, api::ObjectPtr object)
    : in(services), rollout(std::move(object)), now(services.api.clock().now()), status(old_status()) {
  if (!status.is_object()) status = Value::object();
  find_replica_sets(*this);
  find_runs(*this);
  ask_gate(*this);
  // An abort means nothing once everything is stable.
  if (fully_promoted() && aborted()) pause.remove_abort = true;
}

std::int32_t RolloutLook::replicas() const { return narrow(spec().at("replicas"), 1); }

bool RolloutLook::aborted() const {
  return !pause.remove_abort && (pause.add_abort || old_status().at("abort").bool_or(false));
}

std::optional<std::int64_t> RolloutLook::step_index() const {
  if (steps().empty()) return std::nullopt;
  return std::max<std::int64_t>(0, old_status().at("currentStepIndex").int_or(0));
}

const Value* RolloutLook::current_step() const {
  const auto index = step_index();
  if (!index || *index >= static_cast<std::int64_t>(steps().size())) return nullptr;
  return &steps()[static_cast<std::size_t>(*index)];
}

std::vector<api::ObjectPtr> RolloutLook::others() const {
  std::vector<api::ObjectPtr> out;
  for (const auto& each : all) {
    if (stable && each->name() == stable->name()) continue;
    if (canary && each->name() == canary->name()) continue;
    out.push_back(each);
  }
  return out;
}

const Value* RolloutLook::pause_condition(std::string_view reason) const {
  for (const Value& condition : old_status().at("pauseConditions").items())
    if (condition.at("reason").str() == reason) return &condition;
  return nullptr;
}

std::string_view RolloutLook::halt_reason() const {
  if (spec().at("paused").bool_or(false)) return "user paused";
  if (pause_condition(kInconclusivePause) != nullptr) return "inconclusive analysis";
  return {};
}

CanaryFacts RolloutLook::facts() const {
  const Value& s = strategy();
  CanaryFacts out;
  out.replicas = replicas();
  out.max_weight = narrow(s.at("trafficRouting", "maxTrafficWeight"), 100);
  out.fences = Fences::resolve(s.at("maxSurge"), s.at("maxUnavailable"), out.replicas);
  out.routed = routed();
  out.dynamic_stable_scale = s.at("dynamicStableScale").bool_or(false);
  if (s.has("minPodsPerReplicaSet")) out.min_pods = narrow(s.at("minPodsPerReplicaSet"), 0);
  out.abort_keeps_canary = s.at("abortScaleDownDelaySeconds").int_or(-1) == 0;
  if (const Value& threshold = s.at("replicaProgressThreshold"); threshold.is_object())
    out.threshold = ProgressThreshold{threshold.at("type").str() == "Percent", narrow(threshold.at("value"), 0)};
  for (const Value& step : steps()) out.steps.push_back(CanaryStep::of(step));
  out.aborted = old_status().at("abort").bool_or(false);
  out.promote_full = old_status().at("promoteFull").bool_or(false);
  if (old_status().has("currentStepIndex")) out.step_index = narrow(old_status().at("currentStepIndex"), 0);
  out.has_stable = !stable_hash().empty();
  out.fully_promoted = fully_promoted();
  out.canary = counts_of(canary);
  out.stable = counts_of(stable);
  out.stable_is_canary = canary && stable && canary->name() == stable->name();
  for (const auto& other : others()) {
    out.other_desired += desired_replicas(*other);
    out.other_available += available_replicas(*other);
  }
  return out;
}

void RolloutLook::look_again(Duration after) {
  after = std::max(after, Duration(0));
  again = again ? std::min(*again, after) : after;
}

void RolloutLook::replace(const api::ObjectPtr& replica_set) {
  const auto same = [&](const api::ObjectPtr& each) { return each && each->name() == replica_set->name(); };
  std::ranges::replace_if(all, same, replica_set);
  if (same(canary)) canary = replica_set;
  if (same(stable)) stable = replica_set;
}

std::int32_t desired_replicas(const api::Object& replica_set) { return narrow(replica_set.at("spec", "replicas"), 1); }
std::int32_t available_replicas(const api::Object& replica_set) {
  return narrow(replica_set.at("status", "availableReplicas"), 0);
}
std::int32_t created_replicas(const api::Object& replica_set) {
  return narrow(replica_set.at("status", "replicas"), 0);
}

std::string_view pod_hash_of(const api::ObjectPtr& replica_set) {
  return replica_set ? replica_set->label(kPodHashLabel) : std::string_view();
}

Time creation_of(const api::Object& object) {
  return time_at(object.at("metadata", "creationTimestamp")).value_or(Time());
}

std::int64_t revision_of(const api::Object& object) { return revision_in(object.annotation(kRevisionAnnotation)); }

std::int64_t revision_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size() ? number : 0;
}

std::optional<TrafficShares> shares_of(const Value& status) {
  const Value& weights = status.at("canary", "weights");
  if (!weights.is_object()) return std::nullopt;
  return TrafficShares{narrow(weights.at("canary", "weight"), 0), narrow(weights.at("stable", "weight"), 0)};
}

}  // namespace fairlead::control
