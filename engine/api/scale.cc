#include "engine/api/scale.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/api/schema_type.h"
#include "engine/api/selector.h"

namespace fairlead::api {
namespace {

/// Takes the first step off ".spec.replicas".
std::string_view take_step(std::string_view& dotted) {
  if (dotted.starts_with('.')) dotted.remove_prefix(1);
  const std::size_t dot = std::min(dotted.find('.'), dotted.size());
  const std::string_view step = dotted.substr(0, dot);
  dotted.remove_prefix(dot);
  return step;
}

std::string selector_of(const Resource& written, const Object& object) {
  if (!written.type->typed) {
    const std::string& path = written.scale.selector;
    return path.empty() ? std::string() : std::string(node_at(object.tree(), path).str());
  }
  const Value& selector = object.at("spec", "selector");
  const bool plain_map = object.resource().kind == "ReplicationController";
  if (plain_map) return Selector::from_map(selector).to_string();
  const auto parsed = Selector::from_label_selector(selector);
  return parsed ? parsed->to_string() : std::string();
}

}  // namespace

const Value& node_at(const Value& tree, std::string_view dotted) {
  const Value* node = &tree;
  while (!dotted.empty()) node = &node->at(take_step(dotted));
  return *node;
}

Value scale_of(const Resource& written, const Object& object) {
  Value metadata;
  constexpr std::array<std::string_view, 5> kCarried = {"name", "namespace", "uid", "resourceVersion",
                                                        "creationTimestamp"};
  for (const std::string_view member : kCarried) {
    if (const Value* value = object.at("metadata").find(member)) metadata.set(member, *value);
  }
  Value spec = Value::object();
  const Value& wanted = node_at(object.tree(), written.scale.spec_replicas);
  if (wanted.is_int()) spec.set("replicas", wanted);
  const Value& running = node_at(object.tree(), written.scale.status_replicas);
  Value status = Value::object({{"replicas", running.int_or(0)}});
  if (std::string selector = selector_of(written, object); !selector.empty()) {
    status.set("selector", std::move(selector));
  }
  return Value::object({{"kind", "Scale"},
                        {"apiVersion", "autoscaling/v1"},
                        {"metadata", std::move(metadata)},
                        {"spec", std::move(spec)},
                        {"status", std::move(status)}});
}

ApiResult<> check_scalable(const Resource& written, const Object& object) {
  const std::string& path = written.scale.spec_replicas;
  if (node_at(object.tree(), path).is_int()) return {};
  return std::unexpected(
      Status::internal(fmt::format("Internal error occurred: the spec replicas field \"{}\" does not exist", path)));
}

ApiResult<> apply_scale(const Resource& written, const Value& scale, Value& object) {
  const std::int64_t wanted = scale.at("spec", "replicas").int_or(0);
  if (wanted < 0 && written.type->typed) {
    FieldError error{FieldError::Reason::kInvalid, "spec.replicas",
                     fmt::format("Invalid value: {}: must be greater than or equal to 0", wanted)};
    return std::unexpected(Status::invalid(written, object.at("metadata", "name").str(), {std::move(error)}));
  }
  std::string_view rest = written.scale.spec_replicas;
  Value* node = &object;
  while (!rest.empty()) {
    if (!node->is_null() && !node->is_object()) {
      return std::unexpected(Status::internal(
          fmt::format("Internal error occurred: \"{}\" leads through what is no object", written.scale.spec_replicas)));
    }
    node = &(*node)[take_step(rest)];
  }
  *node = wanted;
  return {};
}

}  // namespace fairlead::api
