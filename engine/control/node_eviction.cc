// Source: pkg/controller/tainteviction/taint_eviction.go; plugin/pkg/admission/defaulttolerationseconds/admission.go.
#include <algorithm>
#include <array>
#include <limits>

#include "engine/api/admission.h"
#include "engine/control/conditions.h"
#include "engine/control/event_recorder.h"
#include "engine/control/scheduler_filter.h"
#include "engine/control/workload_controllers.h"

namespace fairlead::control {
namespace {

/// How long pods stay on a node that is not ready or unreachable, when they do not say.
constexpr std::int64_t kDefaultTolerationSeconds = 300;

std::vector<Value> no_execute_taints(const api::Object& node) {
  std::vector<Value> out;
  for (const Value& taint : node.at("spec", "taints").items()) {
    if (taint.at("effect").str() == "NoExecute") out.push_back(taint);
  }
  return out;
}

/// How long a pod may stay under these taints: zero where it tolerates one not at all, nothing where it may for ever.
/// Source: GetMatchingTolerations, getMinTolerationTime.
std::optional<Duration> tolerated_for(const Value& pod, const std::vector<Value>& taints) {
  constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
  std::int64_t least = kForever;
  const Value::Array& tolerations = pod.at("spec", "tolerations").items();
  for (const Value& taint : taints) {
    const auto first = std::ranges::find_if(tolerations, [&](const Value& t) { return tolerates(t, taint); });
    if (first == tolerations.end()) return Duration(0);
    const Value& seconds = first->at("tolerationSeconds");
    if (!seconds.is_null()) least = std::min(least, std::max<std::int64_t>(0, seconds.int_or(0)));
  }
  if (least == kForever) return std::nullopt;
  return std::chrono::seconds(least);
}

class TaintEviction final : public Reconciler {
 public:
  explicit TaintEviction(api::Api& api)
      : api_(api),
        nodes_(api.schema().resource("", "nodes")),
        pods_(api.schema().resource("", "pods")),
        events_(api, "taint-eviction-controller") {}

  [[nodiscard]] std::string_view name() const override { return "taint-eviction"; }

  void observe(const api::Event& event, Queue& queue) override {
    const api::Object& object = *event.object;
    if (&object.resource() == &nodes_) {
      if (event.before != nullptr && event.before->at("spec", "taints") == object.at("spec", "taints")) return;
      for (const api::ObjectPtr& pod : api_.list(pods_)) {
        if (pod->at("spec", "nodeName").str() == object.name()) queue.add(pod->key());
      }
      return;
    }
    if (&object.resource() != &pods_) return;
    const auto same = [&](std::string_view field) {
      return event.before->at("spec", field) == object.at("spec", field);
    };
    const bool moved = event.before == nullptr || !same("nodeName") || !same("tolerations");
    if (moved || event.type == api::Event::Type::kDeleted) queue.add(object.key());
  }

  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override {
    const api::ObjectPtr pod = api_.get(key);
    if (pod == nullptr || pod->deleting()) {
      due_.erase(key);
      return Again::when_changed();
    }
    const api::ObjectPtr node = api_.get(nodes_, "", pod->at("spec", "nodeName").str());
    const std::vector<Value> taints = node == nullptr ? std::vector<Value>() : no_execute_taints(*node);
    const std::optional<Duration> time = tolerated_for(pod->tree(), taints);
    if (!time) {
      if (due_.erase(key) > 0) tell(*pod, "Cancelling deletion of Pod");
      return Again::when_changed();
    }
    const Time now = api_.clock().now();
    if (*time == Duration(0)) return evict(*pod);
    // What was decided stays: further taints and other tolerations do not move it.
    const Time due = due_.emplace(key, now + *time).first->second;
    return due > now ? Again::in(due - now) : evict(*pod);
  }

 private:
  void tell(const api::Object& pod, std::string_view what) const {
    events_.normal(pod, "TaintManagerEviction", fmt::format("{} {}/{}", what, pod.ns(), pod.name()));
  }

  Result<Again> evict(const api::Object& pod) {
    due_.erase(pod.key());
    tell(pod, "Marking for deletion Pod");
    const auto marked = api_.mutate(pod.key(), api::Subresource::kStatus, [&](Value& tree) {
      set_condition(tree["status"], "DisruptionTarget", "True", "DeletionByTaintManager",
                    "Taint manager: deleting due to NoExecute taint", api_.clock().now());
    });
    if (!marked && !marked.error().not_found()) return fail("{}", marked.error().message);
    const auto removed = api_.remove(pod.key(), {.uid = std::string(pod.uid())});
    if (!removed && !removed.error().not_found()) return fail("{}", removed.error().message);
    return Again::when_changed();
  }

  api::Api& api_;
  const api::Resource& nodes_;
  const api::Resource& pods_;
  EventRecorder events_;
  std::map<api::Key, Time> due_;  ///< Counted anew after a restart, as upstream does.
};

bool covers(const Value& toleration, std::string_view key) {
  const std::string_view effect = toleration.at("effect").str();
  const std::string_view of = toleration.at("key").str();
  return (of == key || of.empty()) && (effect == "NoExecute" || effect.empty());
}

api::ApiResult<> admit(api::Admission& admission) {
  if (admission.object == nullptr || admission.subresource != api::Subresource::kNone ||
      !api::is_pod(*admission.resource))
    return {};
  const Value given = admission.object->at("spec", "tolerations");
  for (const std::string_view key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    if (std::ranges::any_of(given.items(), [&](const Value& t) { return covers(t, key); })) continue;
    admission.object->make("spec", "tolerations")
        .push_back(Value::object({{"key", key},
                                  {"operator", "Exists"},
                                  {"effect", "NoExecute"},
                                  {"tolerationSeconds", kDefaultTolerationSeconds}}));
  }
  return {};
}

}  // namespace

std::unique_ptr<Reconciler> make_taint_eviction_controller(api::Api& api) {
  return std::make_unique<TaintEviction>(api);
}

void add_default_tolerations_admission(api::Api& api) { api.add_admission("default-tolerations", admit); }

}  // namespace fairlead::control
