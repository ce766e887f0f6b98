// The canary's share of the traffic, written into HTTPRoutes.
// Source: argo-rollouts/rollout/trafficrouting.go; rollouts-plugin-trafficrouter-gatewayapi/pkg/plugin/httproute.go.
#include <algorithm>

#include "engine/control/conditions.h"
#include "engine/control/delivery_names.h"
#include "engine/control/rollout_look.h"
#include "engine/control/rollout_routes.h"
#include "engine/control/rollout_services.h"

namespace fairlead::control {
namespace {

/// How long a route may take to say that its weights are in force before somebody is told.
constexpr Duration kVerifyRetry = std::chrono::seconds(10);

struct Target {
  std::int32_t weight = 0;
  std::string canary_hash;
};

/// The nearest setWeight before the current step.
std::int32_t previous_weight(const CanaryFacts& facts) {
  const auto current = static_cast<std::size_t>(std::max(0, facts.step_index.value_or(0)));
  for (std::size_t i = std::min(current, facts.steps.size()); i-- > 0;)
    if (facts.steps[i].set_weight) return *facts.steps[i].set_weight;
  return 0;
}

std::int32_t promotion_weight(const RolloutLook& look, const CanaryFacts& facts) {
  if (facts.dynamic_stable_scale)
    return facts.replicas == 0 ? 0 : facts.max_weight * available_replicas(*look.canary) / facts.replicas;
  const auto shares = shares_of(look.old_status());
  return shares ? shares->canary : 0;
}

std::int32_t step_weight(const RolloutLook& look, const CanaryFacts& facts) {
  if (!look.step_index()) return 0;
  // The previous weight stays until the pods for the new one are there.
  if (!counts_reached(facts, std::nullopt)) return previous_weight(facts);
  return look.current_step() == nullptr ? facts.max_weight : current_set_weight(facts);
}

Result<Target> target_of(RolloutLook& look, const CanaryFacts& facts) {
  Target target{.canary_hash = std::string(pod_hash_of(look.canary))};
  const auto shares = shares_of(look.old_status());
  if (const auto previous = retreating_canary(look)) {
    target.weight = weight_in_retreat(facts, shares);
    target.canary_hash = *previous;
  } else if (look.fully_promoted()) {
    target.weight = 0;
  } else if (look.aborted()) {
    target.weight = weight_in_retreat(facts, shares);
    if (!facts.dynamic_stable_scale || target.weight == 0) {
      auto pointed = point_service(look, look.strategy().at("canaryService").str(), look.stable, false);
      if (!pointed) return std::unexpected(pointed.error());
    }
  } else if (!look.canary || available_replicas(*look.canary) == 0) {
    target.weight = 0;
  } else if (facts.promote_full) {
    target.weight = promotion_weight(look, facts);
  } else {
    target.weight = step_weight(look, facts);
  }
  return target;
}

/// Whether stable can carry what the canary does not get.
bool stable_carries(const RolloutLook& look, const CanaryFacts& facts, std::int32_t weight) {
  if (!look.stable) return false;
  const std::int32_t wanted = (facts.max_weight - weight) * facts.replicas / facts.max_weight;
  return available_replicas(*look.stable) >= wanted || enough_available(facts, facts.stable, wanted);
}

Value destination(std::int32_t weight, std::string_view hash, std::string_view service) {
  Value out = Value::object({{"weight", weight}});
  if (!service.empty()) out.set("serviceName", service);
  if (!hash.empty()) out.set("podTemplateHash", hash);
  return out;
}

/// Says that the canary's share changed; new pods behind an old share are no news.
void announce_weight(const RolloutLook& look, const Value& before, std::int32_t weight) {
  const std::int64_t old = before.at("canary", "weight").int_or(0);
  if (!before.is_object()) {
    look.note("TrafficWeightUpdated", fmt::format("Traffic weight updated to {}", weight));
  } else if (old != weight) {
    look.note("TrafficWeightUpdated", fmt::format("Traffic weight updated from {} to {}", old, weight));
  }
}

void note_weights(RolloutLook& look, const CanaryFacts& facts, const Target& target) {
  const Value& strategy = look.strategy();
  const Value canary = destination(target.weight, target.canary_hash, strategy.at("canaryService").str());
  const Value stable =
      destination(facts.max_weight - target.weight, pod_hash_of(look.stable), strategy.at("stableService").str());
  const Value& before = look.old_status().at("canary", "weights");
  if (before.at("canary") == canary && before.at("stable") == stable) return;
  announce_weight(look, before, target.weight);
  look.status.make("canary").set("weights", Value::object({{"canary", canary}, {"stable", stable}}));
}

/// Everything moved to the canary: nothing is scaled down before that is in force. Only the weights are written.
Result<Next> wait_at_the_end(RolloutLook& look) {
  const Value weights = look.status.at("canary", "weights");
  const auto written = look.in.api.mutate(look.rollout->key(), api::Subresource::kStatus,
                                          [&](Value& tree) { tree.make("status", "canary").set("weights", weights); });
  if (!written) return fail("{}", written.error().message);
  return Next::kStop;
}

Result<Next> verify(RolloutLook& look, const CanaryFacts& facts, const Target& target) {
  const std::string pending = unverified_route(look);
  look.status.make("canary", "weights").set("verified", pending.empty());
  if (pending.empty()) return Next::kGoOn;
  look.look_again(kVerifyRetry);
  const auto updated = time_at(condition_called(look.old_status(), "Progressing").at("lastUpdateTime"));
  if (updated && look.now > look.after(*updated, 3 * kVerifyRetry))
    look.warn("WeightVerifyError", fmt::format("Failed to verify weight: {}", pending));
  return target.weight == facts.max_weight ? wait_at_the_end(look) : Next::kGoOn;
}

}  // namespace

Result<Next> route_traffic(RolloutLook& look) {
  if (!look.routed()) {
    if (Value* canary = look.status.find("canary"); canary != nullptr && canary->is_object()) canary->erase("weights");
    return Next::kGoOn;
  }
  const CanaryFacts facts = look.facts();
  const auto target = target_of(look, facts);
  if (!target) return std::unexpected(target.error());
  if (!stable_carries(look, facts, target->weight)) return Next::kGoOn;
  if (auto set = set_route_weights(look, target->weight); !set) {
    look.warn("TrafficRoutingError", set.error().message);
    return std::unexpected(set.error());
  }
  note_weights(look, facts, *target);
  return verify(look, facts, *target);
}

}  // namespace fairlead::control
