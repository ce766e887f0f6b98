#include <algorithm>
#include <array>
#include <optional>

#include "engine/api/table_cells.h"

namespace fairlead::api::table {
namespace {

using Cells = Value::Array;

/// How often, and when last, the containers of a pod have been started again.
struct Restarts {
  std::int64_t times = 0;
  std::optional<Time> last;

  void add(const Value& status) {
    times += count(status.at("restartCount"));
    const auto finished = parse_time(status.at("lastState", "terminated", "finishedAt").str());
    if (finished && (!last || *last < *finished)) last = *finished;
  }
  [[nodiscard]] std::string text(Time now) const {
    if (times == 0 || !last) return fmt::format("{}", times);
    return fmt::format("{} ({} ago)", times, human_duration(now - *last));
  }
};

std::string terminated_reason(const Value& terminated, std::string_view prefix) {
  if (!terminated.at("reason").str().empty()) return fmt::format("{}{}", prefix, terminated.at("reason").str());
  if (const auto signal = count(terminated.at("signal")); signal != 0)
    return fmt::format("{}Signal:{}", prefix, signal);
  return fmt::format("{}ExitCode:{}", prefix, count(terminated.at("exitCode")));
}

/// What `kubectl get pods` says of a pod, gathered in the order in which later findings overrule earlier ones.
struct PodSummary {
  const Value& pod;
  std::string reason;
  std::int64_t total = 0;
  std::int64_t ready = 0;
  Restarts restarts;
  Restarts sidecar_restarts;
  bool initializing = false;

  explicit PodSummary(const Value& p) : pod(p) {
    reason = or_else(p.at("status", "reason").str(), p.at("status", "phase").str());
    if (condition(p, "PodScheduled").at("reason").str() == "SchedulingGated") reason = "SchedulingGated";
    total = static_cast<std::int64_t>(p.at("spec", "containers").size());
    for (const auto& c : p.at("spec", "initContainers").items()) total += is_sidecar(c) ? 1 : 0;
    read_init_containers();
    if (!initializing || condition_is_true(p, "Initialized")) read_containers();
    if (p.at("metadata").has("deletionTimestamp")) read_deletion();
  }

 private:
  static bool is_sidecar(const Value& container) { return container.at("restartPolicy").str() == "Always"; }

  [[nodiscard]] bool is_sidecar(std::string_view name_of_container) const {
    return std::ranges::any_of(pod.at("spec", "initContainers").items(), [&](const Value& c) {
      return c.at("name").str() == name_of_container && is_sidecar(c);
    });
  }

  void read_init_containers() {
    const auto& statuses = pod.at("status", "initContainerStatuses").items();
    for (std::size_t i = 0; i < statuses.size(); ++i) {
      const auto& status = statuses[i];
      const bool sidecar = is_sidecar(status.at("name").str());
      restarts.add(status);
      if (sidecar) sidecar_restarts.add(status);
      const auto& terminated = status.at("state", "terminated");
      const auto waiting = status.at("state", "waiting", "reason").str();
      if (terminated.is_object() && count(terminated.at("exitCode")) == 0) continue;
      if (sidecar && status.at("started").bool_or(false)) {
        ready += status.at("ready").bool_or(false) ? 1 : 0;
        continue;
      }
      initializing = true;
      if (terminated.is_object()) {
        reason = terminated_reason(terminated, "Init:");
      } else if (!waiting.empty() && waiting != "PodInitializing") {
        reason = fmt::format("Init:{}", waiting);
      } else {
        reason = fmt::format("Init:{}/{}", i, pod.at("spec", "initContainers").size());
      }
      return;
    }
  }

  void read_containers() {
    restarts = sidecar_restarts;
    bool running = false;
    std::string error;
    const auto& statuses = pod.at("status", "containerStatuses").items();
    for (auto status = statuses.rbegin(); status != statuses.rend(); ++status) {
      restarts.add(*status);
      const auto waiting = status->at("state", "waiting", "reason").str();
      const auto& terminated = status->at("state", "terminated");
      if (!waiting.empty()) {
        reason = waiting;
      } else if (terminated.is_object()) {
        reason = terminated_reason(terminated, "");
        if (count(terminated.at("exitCode")) != 0) error = reason;
      } else if (status->at("ready").bool_or(false) && status->at("state", "running").is_object()) {
        running = true;
        ++ready;
      }
    }
    if (reason != "Completed") return;
    if (running && condition_is_true(pod, "Ready")) {
      reason = "Running";
    } else if (!error.empty()) {
      reason = error;
    } else if (running) {
      reason = "NotReady";
    }
  }

  void read_deletion() {
    const auto phase = pod.at("status", "phase").str();
    if (pod.at("status", "reason").str() == "NodeLost") {
      reason = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      reason = "Terminating";
    }
  }
};

std::string readiness_gates(const Value& pod) {
  const auto& gates = pod.at("spec", "readinessGates").items();
  if (gates.empty()) return "<none>";
  const auto met = std::ranges::count_if(
      gates, [&](const Value& gate) { return condition_is_true(pod, gate.at("conditionType").str()); });
  return fmt::format("{}/{}", met, gates.size());
}

Cells pod(const Value& o, Time now) {
  const PodSummary summary(o);
  return {name(o),
          fmt::format("{}/{}", summary.ready, summary.total),
          summary.reason,
          summary.restarts.text(now),
          age(o, now),
          or_else(o.at("status", "podIPs", 0, "ip").string_or(o.at("status", "podIP").str()), "<none>"),
          or_else(o.at("spec", "nodeName").str(), "<none>"),
          or_else(o.at("status", "nominatedNodeName").str(), "<none>"),
          readiness_gates(o)};
}

Cells pod_template(const Value& o, Time) {
  const auto& spec = o.at("template", "spec");
  return {name(o), container_names(spec), container_images(spec),
          format_labels(o.at("template", "metadata", "labels"))};
}

Cells replica_set(const Value& o, Time now) {
  const auto& spec = o.at("spec", "template", "spec");
  const bool plain_selector = o.at("kind").str() == "ReplicationController";
  return {name(o),
          count(o.at("spec", "replicas")),
          count(o.at("status", "replicas")),
          count(o.at("status", "readyReplicas")),
          age(o, now),
          container_names(spec),
          container_images(spec),
          plain_selector ? format_labels(o.at("spec", "selector")) : format_selector(o.at("spec", "selector"))};
}

Cells deployment(const Value& o, Time now) {
  const auto& spec = o.at("spec", "template", "spec");
  return {name(o),
          fmt::format("{}/{}", count(o.at("status", "readyReplicas")), count(o.at("spec", "replicas"))),
          count(o.at("status", "updatedReplicas")),
          count(o.at("status", "availableReplicas")),
          age(o, now),
          container_names(spec),
          container_images(spec),
          format_selector(o.at("spec", "selector"))};
}

Cells stateful_set(const Value& o, Time now) {
  const auto& spec = o.at("spec", "template", "spec");
  return {name(o), fmt::format("{}/{}", count(o.at("status", "readyReplicas")), count(o.at("spec", "replicas"))),
          age(o, now), container_names(spec), container_images(spec)};
}

Cells daemon_set(const Value& o, Time now) {
  const auto& spec = o.at("spec", "template", "spec");
  const auto& status = o.at("status");
  return {name(o),
          count(status.at("desiredNumberScheduled")),
          count(status.at("currentNumberScheduled")),
          count(status.at("numberReady")),
          count(status.at("updatedNumberScheduled")),
          count(status.at("numberAvailable")),
          format_labels(spec.at("nodeSelector")),
          age(o, now),
          container_names(spec),
          container_images(spec),
          format_selector(o.at("spec", "selector"))};
}

std::string job_status(const Value& o) {
  if (condition_is_true(o, "Complete")) return "Complete";
  if (condition_is_true(o, "Failed")) return "Failed";
  if (o.at("metadata").has("deletionTimestamp")) return "Terminating";
  for (const std::string_view type : {"Suspended", "FailureTarget", "SuccessCriteriaMet"}) {
    if (condition_is_true(o, type)) return std::string(type);
  }
  return "Running";
}

std::string job_completions(const Value& o) {
  const auto succeeded = count(o.at("status", "succeeded"));
  if (o.at("spec").has("completions")) return fmt::format("{}/{}", succeeded, count(o.at("spec", "completions")));
  const auto parallelism = count(o.at("spec", "parallelism"));
  if (parallelism > 1) return fmt::format("{}/1 of {}", succeeded, parallelism);
  return fmt::format("{}/1", succeeded);
}

std::string job_duration(const Value& o, Time now) {
  const auto start = parse_time(o.at("status", "startTime").str());
  if (!start) return "";
  const auto end = parse_time(o.at("status", "completionTime").str());
  return human_duration((end ? *end : now) - *start);
}

Cells job(const Value& o, Time now) {
  const auto& spec = o.at("spec", "template", "spec");
  return {name(o),     job_status(o),         job_completions(o),     job_duration(o, now),
          age(o, now), container_names(spec), container_images(spec), format_selector(o.at("spec", "selector"))};
}

Cells cron_job(const Value& o, Time now) {
  const auto& job_spec = o.at("spec", "jobTemplate", "spec");
  const auto& spec = job_spec.at("template", "spec");
  const auto& last = o.at("status", "lastScheduleTime");
  const auto& suspend = o.at("spec", "suspend");
  return {name(o),
          o.at("spec", "schedule").str(),
          o.at("spec", "timeZone").string_or("<none>"),
          suspend.is_null() ? "<unset>" : (suspend.bool_or(false) ? "True" : "False"),
          static_cast<std::int64_t>(o.at("status", "active").size()),
          last.is_null() ? "<none>" : since(last, now),
          age(o, now),
          container_names(spec),
          container_images(spec),
          format_selector(job_spec.at("selector"))};
}

Cells controller_revision(const Value& o, Time now) {
  std::string controller = "<none>";
  for (const auto& owner : o.at("metadata", "ownerReferences").items()) {
    if (!owner.at("controller").bool_or(false)) continue;
    const auto api_version = owner.at("apiVersion").str();
    const auto slash = api_version.find('/');
    controller = std::string(owner.at("kind").str());
    if (slash != std::string_view::npos) controller += "." + std::string(api_version.substr(0, slash));
    std::ranges::transform(controller, controller.begin(),
                           [](unsigned char c) { return static_cast<char>(tolower(c)); });
    controller += "/" + std::string(owner.at("name").str());
  }
  return {name(o), controller, count(o.at("revision")), age(o, now)};
}

constexpr std::array kPrinters = {
    Printer{"", "Pod", pod},
    Printer{"", "PodTemplate", pod_template},
    Printer{"", "ReplicationController", replica_set},
    Printer{"apps", "ReplicaSet", replica_set},
    Printer{"apps", "Deployment", deployment},
    Printer{"apps", "StatefulSet", stateful_set},
    Printer{"apps", "DaemonSet", daemon_set},
    Printer{"apps", "ControllerRevision", controller_revision},
    Printer{"batch", "Job", job},
    Printer{"batch", "CronJob", cron_job},
};

}  // namespace

std::span<const Printer> workload_printers() { return kPrinters; }

}  // namespace fairlead::api::table
