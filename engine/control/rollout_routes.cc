// Source: rollouts-plugin-trafficrouter-gatewayapi/pkg/plugin: httproute.go, labels.go, plugin.go.
#include "engine/control/rollout_routes.h"

#include "engine/api/selector.h"
#include "engine/control/delivery_names.h"

namespace fairlead::control {
namespace {

const Value& plugin_of(const api::Object& rollout) {
  return rollout.at("spec", "strategy", "canary", "trafficRouting", "plugins", kGatewayApiPlugin);
}

/// A rule with the canary alone was made for a header match and is no split.
bool canary_only(const Value& rule, std::string_view canary) {
  const auto& refs = rule.at("backendRefs").items();
  return refs.size() == 1 && refs.front().at("name").str() == canary;
}

struct Found {
  bool canary = false;
  bool stable = false;
};

Found set_weights(Value& route, std::string_view canary, std::string_view stable, std::int32_t weight) {
  Found found;
  Value* rules = route.make("spec").find("rules");
  if (rules == nullptr || !rules->is_array()) return found;
  for (Value& rule : rules->mutable_items()) {
    Value* refs = rule.find("backendRefs");
    if (refs == nullptr || !refs->is_array() || canary_only(rule, canary)) continue;
    for (Value& ref : refs->mutable_items()) {
      if (ref.at("name").str() == canary) {
        ref.set("weight", weight);
        found.canary = true;
      } else if (ref.at("name").str() == stable) {
        ref.set("weight", 100 - weight);
        found.stable = true;
      }
    }
  }
  return found;
}

void set_label(Value& route, const Value& plugin, std::int32_t weight) {
  if (plugin.at("disableInProgressLabel").bool_or(false)) return;
  const std::string_view written = plugin.at("inProgressLabelKey").str();
  const std::string_view key = written.empty() ? "rollouts.argoproj.io/gatewayapi-canary" : written;
  Value& metadata = route.make("metadata");
  if (weight == 0) {
    if (Value* labels = metadata.find("labels"); labels != nullptr && labels->is_object()) labels->erase(key);
    return;
  }
  const std::string_view value = plugin.at("inProgressLabelValue").str();
  metadata["labels"].set(key, value.empty() ? "in-progress" : value);
}

/// A parent's status that speaks of the route as it is now, and takes it.
bool in_force(const Value& parent, std::int64_t generation) {
  for (const Value& condition : parent.at("conditions").items()) {
    if (condition.at("type").str() != "Accepted") continue;
    return condition.at("status").str() == "True" && condition.at("observedGeneration").int_or(0) >= generation;
  }
  return false;
}

}  // namespace

std::vector<api::Key> routes_of(const RolloutServices& in, const api::Object& rollout) {
  const Value& plugin = plugin_of(rollout);
  const std::string ns(plugin.at("namespace").string_or(rollout.ns()));
  std::vector<api::Key> keys;
  const auto add = [&](std::string_view name) {
    if (!name.empty()) keys.push_back({&in.routes, ns, std::string(name)});
  };
  for (const Value& route : plugin.at("httpRoutes").items()) add(route.at("name").str());
  add(plugin.at("httpRoute").str());
  if (plugin.has("httpRouteSelector")) {
    const auto selector = api::Selector::from_label_selector(plugin.at("httpRouteSelector"));
    if (selector)
      for (const auto& route : in.api.list(in.routes, ns, *selector)) add(route->name());
  }
  return keys;
}

Result<> set_route_weights(RolloutLook& look, std::int32_t weight) {
  const std::string_view canary = look.strategy().at("canaryService").str();
  const std::string_view stable = look.strategy().at("stableService").str();
  for (const api::Key& key : routes_of(look.in, *look.rollout)) {
    const auto route = look.in.api.get(key);
    if (!route) return fail("httproutes.gateway.networking.k8s.io \"{}\" not found", key.name);
    Value tree = route->tree();
    const Found found = set_weights(tree, canary, stable, weight);
    if (!found.canary || !found.stable)
      return fail("backendRef was not found in httpRoute {}: no rule of it sends to both {} and {}", key.name, stable,
                  canary);
    set_label(tree, plugin_of(*look.rollout), weight);
    tree.make("metadata").erase("resourceVersion");
    const auto written = look.in.api.update(key, std::move(tree));
    if (!written) return fail("{}", written.error().message);
  }
  return {};
}

std::string unverified_route(const RolloutLook& look) {
  for (const api::Key& key : routes_of(look.in, *look.rollout)) {
    const auto route = look.in.api.get(key);
    if (!route) continue;
    const std::int64_t generation = route->at("metadata", "generation").int_or(0);
    const auto& parents = route->at("status", "parents").items();
    for (const Value& parent : parents)
      if (!in_force(parent, generation))
        return fmt::format("Gateway {} does not follow generation {} of HTTPRoute {} yet",
                           parent.at("parentRef", "name").str(), generation, key.name);
  }
  return {};
}

}  // namespace fairlead::control
