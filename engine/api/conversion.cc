#include "engine/api/conversion.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

/// Core name, events.k8s.io name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kEventFields = {{
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"},
}};

void rename_member(Value& tree, std::string_view from, std::string_view to) {
  if (!tree.is_object()) return;
  for (auto& member : tree.mutable_members()) {
    if (member.key == from) {
      member.key = std::string(to);
      return;
    }
  }
}

/// Takes a member out; null when it was not there.
Value take(Value& tree, std::string_view key) {
  Value* found = tree.is_object() ? tree.find(key) : nullptr;
  if (found == nullptr) return {};
  Value out = std::move(*found);
  tree.erase(key);
  return out;
}

void cpu_percent_to_metrics(Value& tree) {
  if (Value* spec = tree.find("spec")) {
    const Value percent = take(*spec, "targetCPUUtilizationPercentage");
    if (percent.is_int()) {
      const auto target = Value::object({{"type", "Utilization"}, {"averageUtilization", percent}});
      const auto resource = Value::object({{"name", "cpu"}, {"target", target}});
      spec->make("metrics").push_back(Value::object({{"type", "Resource"}, {"resource", resource}}));
    }
  }
  if (Value* status = tree.find("status")) {
    const Value percent = take(*status, "currentCPUUtilizationPercentage");
    if (percent.is_int()) {
      const auto resource =
          Value::object({{"name", "cpu"}, {"current", Value::object({{"averageUtilization", percent}})}});
      status->make("currentMetrics").push_back(Value::object({{"type", "Resource"}, {"resource", resource}}));
    }
  }
}

/// The utilization of the cpu Resource metric under `inner` ("target" or "current"); null when there is none.
Value cpu_percent(const Value& metrics, std::string_view inner) {
  for (const auto& metric : metrics.items()) {
    const auto& resource = metric.at("resource");
    if (resource.at("name").str() == "cpu") return resource.at(inner, "averageUtilization");
  }
  return {};
}

void metrics_to_cpu_percent(Value& tree) {
  if (Value* spec = tree.find("spec")) {
    const Value metrics = take(*spec, "metrics");
    if (Value percent = cpu_percent(metrics, "target"); percent.is_int()) {
      spec->set("targetCPUUtilizationPercentage", std::move(percent));
    }
    spec->erase("behavior");
  }
  if (Value* status = tree.find("status")) {
    const Value metrics = take(*status, "currentMetrics");
    if (Value percent = cpu_percent(metrics, "current"); percent.is_int()) {
      status->set("currentCPUUtilizationPercentage", std::move(percent));
    }
    status->erase("conditions");
  }
}

bool is_new_event(const Resource& resource) { return resource.kind == "Event" && resource.group == "events.k8s.io"; }

bool is_old_autoscaler(const Resource& resource) {
  return resource.kind == "HorizontalPodAutoscaler" && resource.version == "v1";
}

}  // namespace

bool has_own_fields(const Resource& served) {
  if (served.storage == &served || served.storage == nullptr) return false;
  return is_new_event(served) || is_old_autoscaler(served);
}

Value to_served(const Resource& served, Value tree) {
  if (served.storage == nullptr || (served.storage == &served && served.type->typed)) return tree;
  tree.set("apiVersion", served.api_version());
  if (is_new_event(served)) {
    for (const auto& [core, event] : kEventFields) rename_member(tree, core, event);
  } else if (is_old_autoscaler(served)) {
    metrics_to_cpu_percent(tree);
  }
  return tree;
}

Value to_storage(const Resource& served, Value tree) {
  if (served.storage == &served || served.storage == nullptr) return tree;
  tree.set("apiVersion", served.storage->api_version());
  if (is_new_event(served)) {
    for (const auto& [core, event] : kEventFields) rename_member(tree, event, core);
  } else if (is_old_autoscaler(served)) {
    cpu_percent_to_metrics(tree);
  }
  return tree;
}

void append_served_json(std::string& out, const Resource& served, const Object& object) {
  // Only the version says how an object of a custom kind was stored: its definition may have changed since.
  const bool as_stored = object.at("apiVersion").str() == served.api_version();
  if (&object.resource() == &served || served.storage == nullptr || (!served.type->typed && as_stored)) {
    out += object.json();
  } else {
    append_json(out, to_served(served, object.tree()));
  }
}

}  // namespace fairlead::api
