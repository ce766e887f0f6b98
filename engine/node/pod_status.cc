#include "engine/node/pod_status.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

namespace fairlead::node {

namespace {

constexpr Duration kFirstBackOff{10'000};
constexpr Duration kMaxBackOff{300'000};
constexpr Duration kForgiveAfter{600'000};

using Kind = ContainerRecord::Kind;
using State = ContainerRecord::State;

Value termination(const Termination& ended) {
  Value out = Value::object({{"exitCode", ended.exit_code}, {"reason", ended.reason}});
  if (!ended.message.empty()) out.set("message", ended.message);
  if (ended.started != Time{}) out.set("startedAt", format_time(ended.started));
  if (ended.finished != Time{}) out.set("finishedAt", format_time(ended.finished));
  if (!ended.container_id.empty()) out.set("containerID", ended.container_id);
  return Value::object({{"terminated", std::move(out)}});
}

Value state(const ContainerRecord& record) {
  if (record.state == State::kRunning && !record.hook_running) {
    return Value::object({{"running", Value::object({{"startedAt", format_time(record.started_at)}})}});
  }
  if (record.state == State::kTerminated) return termination(record.ended);
  Value waiting = Value::object({{"reason", record.reason}});
  if (!record.message.empty()) waiting.set("message", record.message);
  return Value::object({{"waiting", std::move(waiting)}});
}

Value container_status(const ContainerRecord& record) {
  const Value& spec = record.spec;
  Value out = Value::object({{"name", record.name()},
                             {"state", state(record)},
                             {"lastState", record.last ? termination(*record.last) : Value::object()},
                             {"ready", record.ready},
                             {"restartCount", record.restarts},
                             {"image", spec.at("image")},
                             {"imageID", record.image_id},
                             {"started", record.started}});
  if (!record.container_id.empty()) out.set("containerID", record.container_id);
  if (spec.at("resources").is_object() && !spec.at("resources").empty()) {
    out.set("resources", spec.at("resources"));
    if (spec.at("resources").has("requests")) out.set("allocatedResources", spec.at("resources", "requests"));
  }
  Value mounts = Value::array();
  for (const auto& mount : spec.at("volumeMounts").items()) {
    Value entry = Value::object({{"name", mount.at("name")}, {"mountPath", mount.at("mountPath")}});
    if (mount.at("readOnly").bool_or(false)) entry.set("readOnly", true).set("recursiveReadOnly", "Disabled");
    mounts.push_back(std::move(entry));
  }
  if (!mounts.empty()) out.set("volumeMounts", std::move(mounts));
  return out;
}

bool initialized(const ContainerRecord& record) {
  if (record.kind == Kind::kMain) return true;
  if (record.kind == Kind::kSidecar) return record.started;
  return record.state == State::kTerminated && record.ended.exit_code == 0;
}

/// "[a b]" of the containers for which `bad` holds; empty for none.
std::string names(const PodRecord& record, const std::function<bool(const ContainerRecord&)>& bad) {
  std::string out;
  for (const auto& container : record.containers) {
    if (bad(container)) out += (out.empty() ? "" : " ") + container.name();
  }
  return out;
}

struct Condition {
  std::string type;
  bool ok = false;
  std::string reason;
  std::string message;
};

/// The first readiness gate that somebody has not set to True.
std::string closed_gate(const Value& pod) {
  for (const auto& gate : pod.at("spec", "readinessGates").items()) {
    const auto type = gate.at("conditionType").str();
    const auto& conditions = pod.at("status", "conditions").items();
    const auto found = std::ranges::find_if(conditions, [&](const Value& c) { return c.at("type").str() == type; });
    if (found == conditions.end())
      return fmt::format("corresponding condition of pod readiness gate \"{}\" does not exist.", type);
    if (found->at("status").str() != "True") {
      return fmt::format("the status of pod readiness gate \"{}\" is not \"True\", but {}", type,
                         found->at("status").str());
    }
  }
  return {};
}

std::vector<Condition> conditions(const PodRecord& record, const std::string& phase) {
  const bool over = phase == "Succeeded" || phase == "Failed";
  const std::string unready = names(record, [](const auto& c) { return c.kind != Kind::kInit && !c.ready; });
  const std::string uninitialized = names(record, [](const auto& c) { return !initialized(c); });
  const auto word = [&](const char* reason) {
    return phase == "Succeeded" ? "PodCompleted" : phase == "Failed" ? "PodFailed" : reason;
  };
  Condition containers{"ContainersReady", unready.empty() && !over, "", ""};
  if (!containers.ok) {
    containers.reason = word("ContainersNotReady");
    if (!over) containers.message = fmt::format("containers with unready status: [{}]", unready);
  }
  Condition ready = containers;
  ready.type = "Ready";
  if (const std::string gate = closed_gate(*record.pod); ready.ok && !gate.empty()) {
    ready = {"Ready", false, "ReadinessGatesNotReady", gate};
  }
  Condition init{"Initialized", record.initialized || uninitialized.empty() || phase == "Succeeded", "", ""};
  if (!init.ok) {
    init.reason = "ContainersNotInitialized";
    init.message = fmt::format("containers with incomplete status: [{}]", uninitialized);
  } else if (phase == "Succeeded") {
    init.reason = "PodCompleted";
  }
  return {{"PodReadyToStartContainers", record.has_network, "", ""}, init, ready, containers};
}

}  // namespace

std::string pod_phase(const PodRecord& record) {
  if (!record.failed_reason.empty()) return "Failed";
  const auto policy = record.pod->at("spec", "restartPolicy").string_or("Always");
  bool running = false;
  bool waiting = false;
  bool failed = false;
  bool all_over = true;
  for (const auto& container : record.containers) {
    if (container.kind != Kind::kMain) {
      if (container.kind == Kind::kInit && container.state == State::kTerminated && container.ended.exit_code != 0 &&
          policy == "Never") {
        return "Failed";
      }
      if (!initialized(container) && container.restarts == 0 && !container.last) waiting = true;
      if (!initialized(container)) all_over = false;
      continue;
    }
    const bool ended = container.state == State::kTerminated;
    const bool ran = ended || container.last.has_value();
    all_over = all_over && ended && (policy == "Never" || (policy == "OnFailure" && container.ended.exit_code == 0));
    failed = failed || (ended && container.ended.exit_code != 0);
    const bool starting = container.state == State::kWaiting || container.hook_running;
    running = running || !starting || ran;
    waiting = waiting || (starting && !container.last);
  }
  if (all_over) return failed ? "Failed" : "Succeeded";
  return running && !waiting ? "Running" : "Pending";
}

Value pod_status(PodRecord& record, Time now) {
  const std::string phase = pod_phase(record);
  Value out = Value::object({{"phase", phase}, {"startTime", format_time(record.start_time)}});
  if (!record.failed_reason.empty()) out.set("reason", record.failed_reason).set("message", record.failed_message);
  if (!record.host_address.empty()) {
    out.set("hostIP", record.host_address);
    out.set("hostIPs", Value::array({Value::object({{"ip", record.host_address}})}));
  }
  if (!record.address.empty()) {
    out.set("podIP", record.address);
    out.set("podIPs", Value::array({Value::object({{"ip", record.address}})}));
  }
  Value list = Value::array();
  for (const auto& condition : conditions(record, phase)) {
    const std::string status = condition.ok ? "True" : "False";
    auto& [before, since] = record.transitions[condition.type];
    if (before != status) {
      before = status;
      since = now;
    }
    Value entry = Value::object({{"type", condition.type},
                                 {"status", status},
                                 {"lastProbeTime", nullptr},
                                 {"lastTransitionTime", format_time(since)}});
    if (!condition.reason.empty()) entry.set("reason", condition.reason);
    if (!condition.message.empty()) entry.set("message", condition.message);
    list.push_back(std::move(entry));
  }
  out.set("conditions", std::move(list));
  Value init = Value::array();
  Value main = Value::array();
  for (const auto& container : record.containers) {
    (container.kind == Kind::kMain ? main : init).push_back(container_status(container));
  }
  if (!init.empty()) out.set("initContainerStatuses", std::move(init));
  out.set("containerStatuses", std::move(main));
  return out;
}

Duration BackOff::next(Duration ran) {
  if (!seen_ || ran >= kForgiveAfter) {
    seen_ = true;
    delay_ = Duration{0};
    return delay_;
  }
  delay_ = delay_.count() == 0 ? kFirstBackOff : std::min(delay_ * 2, kMaxBackOff);
  return delay_;
}

}  // namespace fairlead::node
