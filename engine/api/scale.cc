#include "engine/api/scale.h"

#include <array>
#include <utility>

#include "engine/api/selector.h"

namespace fairlead::api {
namespace {

/// Rollouts report what an autoscaler should count apart from what runs (a canary may run more for a while).
const Value& running_replicas(const Object& object) {
  const bool is_rollout = object.resource().group == "argoproj.io" && object.resource().kind == "Rollout";
  return is_rollout ? object.at("status", "HPAReplicas") : object.at("status", "replicas");
}

std::string selector_of(const Object& object) {
  const Value& reported = object.at("status", "selector");  // Custom kinds put it there as text.
  if (reported.is_string()) return std::string(reported.str());
  const Value& selector = object.at("spec", "selector");
  const bool plain_map = object.resource().kind == "ReplicationController";
  if (plain_map) return Selector::from_map(selector).to_string();
  const auto parsed = Selector::from_label_selector(selector);
  return parsed ? parsed->to_string() : std::string();
}

}  // namespace

Value scale_of(const Object& object) {
  Value metadata;
  constexpr std::array<std::string_view, 5> kCarried = {"name", "namespace", "uid", "resourceVersion",
                                                        "creationTimestamp"};
  for (const std::string_view member : kCarried) {
    if (const Value* value = object.at("metadata").find(member)) metadata.set(member, *value);
  }
  Value status = Value::object({{"replicas", running_replicas(object).int_or(0)}});
  if (std::string selector = selector_of(object); !selector.empty()) status.set("selector", std::move(selector));
  return Value::object({{"kind", "Scale"},
                        {"apiVersion", "autoscaling/v1"},
                        {"metadata", std::move(metadata)},
                        {"spec", Value::object({{"replicas", object.at("spec", "replicas").int_or(0)}})},
                        {"status", std::move(status)}});
}

ApiResult<> apply_scale(const Resource& resource, const Value& scale, Value& object) {
  const std::int64_t wanted = scale.at("spec", "replicas").int_or(0);
  if (wanted < 0) {
    FieldError error{FieldError::Reason::kInvalid, "spec.replicas",
                     fmt::format("Invalid value: {}: must be greater than or equal to 0", wanted)};
    return std::unexpected(Status::invalid(resource, object.at("metadata", "name").str(), {std::move(error)}));
  }
  if (const Value& spec = object.at("spec"); !spec.is_null() && !spec.is_object()) {
    return std::unexpected(Status::bad_request(fmt::format("spec of the {} is no object", resource.kind)));
  }
  object.make("spec").set("replicas", wanted);
  return {};
}

}  // namespace fairlead::api
