// The stable and the canary Service of a Rollout: which pods they select.
// Source: argo-rollouts/rollout/service.go, service/service.go.
#include "engine/control/rollout_services.h"

#include "engine/control/delivery_names.h"

namespace fairlead::control {
namespace {

/// A Service is taken over only for a ReplicaSet that is wholly available; later one available pod is enough.
bool ready_for(const api::Object& service, const api::Object& replica_set) {
  const std::int32_t available = available_replicas(replica_set);
  if (!service.annotation(kManagedByAnnotation).empty()) return available > 0;
  return available > 0 && desired_replicas(replica_set) > 0 && desired_replicas(replica_set) <= available;
}

}  // namespace

Result<> point_service(RolloutLook& look, std::string_view name, const api::ObjectPtr& replica_set,
                       bool when_available) {
  if (!replica_set || name.empty()) return {};
  const auto service = look.in.api.get(look.in.services, look.rollout->ns(), name);
  if (!service) return fail("services \"{}\" not found", name);
  const std::string before(service->at("spec", "selector", kPodHashLabel).str());
  const std::string wanted(pod_hash_of(replica_set));
  if (before == wanted || (when_available && !ready_for(*service, *replica_set))) return {};
  const auto written = look.in.api.mutate(service->key(), api::Subresource::kNone, [&](Value& tree) {
    Value& annotations = tree.make("metadata", "annotations");
    if (annotations.at(kManagedByAnnotation).is_null()) annotations.set(kManagedByAnnotation, look.rollout->name());
    tree.make("spec", "selector").set(kPodHashLabel, wanted);
  });
  if (!written) return fail("{}", written.error().message);
  look.note("SwitchService", fmt::format("Switched selector for service '{}' from '{}' to '{}'", name, before, wanted));
  return {};
}

std::optional<std::string> retreating_canary(const RolloutLook& look) {
  const CanaryFacts facts = look.facts();
  if (!look.fully_promoted() || !facts.routed || !facts.dynamic_stable_scale || !look.canary) return std::nullopt;
  const Value& weights = look.old_status().at("canary", "weights");
  const std::string_view previous = weights.at("canary", "podTemplateHash").str();
  if (!weights.is_object() || previous == pod_hash_of(look.canary)) return std::nullopt;
  if (available_replicas(*look.canary) >= facts.replicas) return std::nullopt;
  return std::string(previous);
}

Result<Next> point_services(RolloutLook& look) {
  const std::string_view canary = look.strategy().at("canaryService").str();
  if (auto r = point_service(look, look.strategy().at("stableService").str(), look.stable, true); !r)
    return std::unexpected(r.error());
  if (look.aborted()) {
    // With a router the canary Service turns back only once its traffic is gone: route_traffic knows when.
    if (look.routed()) return Next::kGoOn;
    if (auto r = point_service(look, canary, look.stable, true); !r) return std::unexpected(r.error());
    return Next::kGoOn;
  }
  // Stable is too small yet for what the canary Service still gets.
  if (retreating_canary(look)) return Next::kGoOn;
  if (auto r = point_service(look, canary, look.canary, true); !r) return std::unexpected(r.error());
  return Next::kGoOn;
}

bool names_service(const api::Object& rollout, std::string_view service) {
  const Value& strategy = rollout.at("spec", "strategy", "canary");
  return strategy.at("canaryService").str() == service || strategy.at("stableService").str() == service;
}

Result<> release_services(const RolloutServices& in, const api::Key& key, const api::Object* rollout) {
  for (const auto& service : in.api.list(in.services, key.ns)) {
    if (service->annotation(kManagedByAnnotation) != key.name) continue;
    if (rollout != nullptr && names_service(*rollout, service->name())) continue;
    const auto written = in.api.mutate(service->key(), api::Subresource::kNone, [](Value& tree) {
      tree.make("metadata", "annotations").erase(kManagedByAnnotation);
      if (Value* selector = tree.make("spec").find("selector"); selector != nullptr && selector->is_object())
        selector->erase(kPodHashLabel);
    });
    if (!written && !written.error().not_found()) return fail("{}", written.error().message);
  }
  return {};
}

}  // namespace fairlead::control
