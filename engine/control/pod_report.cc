#include "engine/control/pod_report.h"

#include <array>
#include <string_view>
#include <utility>

#include "engine/control/conditions.h"

namespace fairlead::control {
namespace {

constexpr std::array<std::string_view, 11> kOwnedFields = {"phase",
                                                           "reason",
                                                           "message",
                                                           "podIP",
                                                           "podIPs",
                                                           "hostIP",
                                                           "hostIPs",
                                                           "startTime",
                                                           "containerStatuses",
                                                           "initContainerStatuses",
                                                           "ephemeralContainerStatuses"};

Value waiting_status(const Value& status, const Value& container, std::string_view reason, std::string_view message) {
  std::int64_t restarts = 0;
  for (const Value& old : status.at("containerStatuses").items()) {
    if (old.at("name") == container.at("name")) restarts = old.at("restartCount").int_or(0);
  }
  Value waiting = Value::object({{"reason", reason}});
  if (!message.empty()) waiting.set("message", message);
  return Value::object({{"name", container.at("name")},
                        {"image", container.at("image")},
                        {"imageID", ""},
                        {"ready", false},
                        {"started", false},
                        {"restartCount", restarts},
                        {"state", Value::object({{"waiting", std::move(waiting)}})},
                        {"lastState", Value::object()}});
}

void mark_waiting(Value& status, const Value& pod, std::string_view container, std::string_view reason,
                  std::string_view message, Time now) {
  Value::Array statuses;
  for (const Value& one : pod.at("spec", "containers").items()) {
    const bool concerned = container.empty() || one.at("name").str() == container;
    statuses.push_back(waiting_status(status, one, concerned ? reason : "ContainerCreating", concerned ? message : ""));
  }
  status.set("phase", "Pending");
  if (!status.has("startTime")) status.set("startTime", format_time(now));
  status.set("containerStatuses", Value(std::move(statuses)));
  for (const std::string_view type : {"Ready", "ContainersReady"}) {
    set_condition(status, type, "False", "ContainersNotReady", "", now);
  }
}

}  // namespace

void merge_pod_status(Value& status, const Value& reported) {
  for (const std::string_view field : kOwnedFields) {
    if (reported.has(field)) {
      status.set(field, reported.at(field));
    } else {
      status.erase(field);
    }
  }
  for (const Value& condition : reported.at("conditions").items()) put_condition(status, condition);
}

void mark_not_running(Value& status, Time now) {
  if (!condition_holds(status, "Ready") && !condition_holds(status, "ContainersReady")) return;
  for (const std::string_view type : {"Ready", "ContainersReady"}) {
    set_condition(status, type, "False", "ContainersNotReady", "", now);
  }
  Value* all = status.find("containerStatuses");
  if (all == nullptr || !all->is_array()) return;
  for (Value& container : all->mutable_items()) {
    container.set("ready", false);
    container.set("started", false);
  }
}

void mark_config_error(Value& status, const Value& pod, std::string_view container, std::string_view message,
                       Time now) {
  mark_waiting(status, pod, container, "CreateContainerConfigError", message, now);
}

void mark_creating(Value& status, const Value& pod, Time now) {
  mark_waiting(status, pod, "", "ContainerCreating", "", now);
}

}  // namespace fairlead::control
