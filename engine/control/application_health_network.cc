#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "engine/control/application_health_kinds.h"
#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

/// What is wrong by the conditions that Gateways, their listeners and the parents of routes have alike.
std::optional<Health> trouble(const Value& conditions, std::string_view of, std::string_view programming) {
  for (const char* type : {"ResolvedRefs", "Accepted"}) {
    const Value& c = condition_in(conditions, type);
    if (c.at("status").str() != "False") continue;
    return Health::degraded(
        fmt::format("{}{}", of, c.at("message").string_or(fmt::format("Failed condition: {}", type))));
  }
  const Value& programmed = condition_in(conditions, "Programmed");
  if (programmed.is_null() || programmed.at("status").str() == "True") return std::nullopt;
  return Health::progressing(fmt::format("{}{}", of, programmed.at("message").string_or(programming)));
}

/// Every condition that says of which generation it is, is of this one.
bool of_this_generation(const Value& object, const Value& conditions) {
  const Value& generation = object.at("metadata", "generation");
  if (generation.is_null()) return true;
  return !conditions.empty() && std::ranges::all_of(conditions.items(), [&](const Value& c) {
    return !c.has("observedGeneration") || c.at("observedGeneration") == generation;
  });
}

}  // namespace

Health service_health(const Value& object) {
  if (object.at("spec", "type").str() != "LoadBalancer") return Health::healthy();
  return object.at("status", "loadBalancer", "ingress").empty() ? Health::progressing({}) : Health::healthy();
}

Health gateway_health(const Value& object) {
  const Value& status = object.at("status");
  if (auto why = trouble(status.at("conditions"), "", "Gateway is still being programmed")) return *why;
  for (const Value& listener : status.at("listeners").items()) {
    if (auto why = trouble(listener.at("conditions"), "Listener: ", "Listener is still being programmed")) return *why;
  }
  if (!status.at("conditions").is_null() || !status.at("listeners").empty())
    return Health::healthy("Gateway is healthy");
  return Health::progressing("Waiting for Gateway status");
}

Health gateway_class_health(const Value& object) {
  const Value& accepted = condition_called(object.at("status"), "Accepted");
  const Value& message = accepted.at("message");
  const bool stale =
      accepted.has("observedGeneration") && !(accepted.at("observedGeneration") == object.at("metadata", "generation"));
  const std::string_view holds = stale ? "" : accepted.at("status").str();
  if (holds == "True") return Health::healthy(message.string_or("GatewayClass is accepted"));
  if (holds == "False") return Health::degraded(message.string_or("GatewayClass is not accepted"));
  return Health::progressing(stale ? "Waiting for GatewayClass status"
                                   : message.string_or("Waiting for GatewayClass status"));
}

Health route_health(const Value& object) {
  bool judged = false;
  for (const Value& parent : object.at("status", "parents").items()) {
    const Value& conditions = parent.at("conditions");
    if (conditions.is_null() || !of_this_generation(object, conditions)) continue;
    const std::string of = fmt::format("Parent {}: ", parent.at("parentRef", "name").str());
    if (auto why = trouble(conditions, of, "Route is still being programmed")) return *why;
    judged = judged || !conditions.empty();
  }
  return judged ? Health::healthy("HTTPRoute is healthy") : Health::progressing("Waiting for HTTPRoute status");
}

}  // namespace fairlead::control
