#include "engine/cli/service_status.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <ranges>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/image_reference.h"
#include "base/time.h"
#include "engine/cli/pod_problems.h"
#include "engine/cli/terminal.h"
#include "engine/gitops/git_repository.h"

namespace fairlead::cli {
namespace {

constexpr std::size_t kShortDigest = 12;

bool is_sha(std::string_view text) {
  return text.size() == 40 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<std::int64_t> weight_of(const Value& rollout, std::string_view hash) {
  const Value& weights = rollout.at("status", "canary", "weights");
  for (const char* role : {"stable", "canary"}) {
    const Value& w = weights.at(role);
    if (w.at("podTemplateHash").str() == hash && w.has("weight")) return w.at("weight").int_or(0);
  }
  return std::nullopt;
}

std::vector<VersionStatus> versions_of(const ServiceObjects& objects) {
  const Value& status = objects.rollout.at("status");
  const std::string_view stable = status.at("stableRS").str();
  const std::string_view current = status.at("currentPodHash").str();
  std::vector<VersionStatus> out;
  for (const Value& set : objects.replica_sets) {
    const std::string_view hash = set.at("metadata", "labels", kHashLabel).str();
    const std::int64_t pods = set.at("status", "replicas").int_or(0);
    if (!owned_by(set, objects.rollout) || (pods == 0 && hash != stable && hash != current)) continue;
    VersionStatus version;
    version.role = hash == stable ? "stable" : hash == current ? "canary" : "old";
    version.version = version_of(set.at("spec", "template", "spec", "containers", 0, "image").str());
    version.hash = hash;
    version.ready = set.at("status", "readyReplicas").int_or(0);
    version.pods = pods;
    version.weight = weight_of(objects.rollout, hash);
    out.push_back(std::move(version));
  }
  std::ranges::sort(out, std::greater<>(), [](const VersionStatus& v) { return v.role; });
  for (VersionStatus& v : out) {
    // One commit can give several images: with other variables, or from a work tree that differs from it.
    const bool alone = std::ranges::count(out, v.version, &VersionStatus::version) == 1;
    v.label = alone ? v.version : fmt::format("{} ({})", v.version, v.hash);
  }
  return out;
}

const Value& metric_of(const Value& run, std::string_view name) {
  static const Value kNone;
  for (const Value& metric : run.at("spec", "metrics").items()) {
    if (metric.at("name").str() == name) return metric;
  }
  return kNone;
}

std::string query_of(const Value& metric, const Value& result) {
  const std::string_view resolved = result.at("metadata", "ResolvedPrometheusQuery").str();
  return std::string(resolved.empty() ? metric.at("provider", "prometheus", "query").str() : resolved);
}

std::vector<Evidence> analysis_of(const ServiceObjects& objects) {
  std::vector<Evidence> out;
  const std::string_view current = objects.rollout.at("status", "currentPodHash").str();
  for (const Value& run : objects.analysis_runs) {
    if (!owned_by(run, objects.rollout) || run.at("metadata", "labels", kHashLabel).str() != current) continue;
    for (const Value& result : run.at("status", "metricResults").items()) {
      const Value& metric = metric_of(run, result.at("name").str());
      Evidence evidence;
      evidence.analysis_run = run.at("metadata", "name").str();
      evidence.metric = result.at("name").str();
      evidence.phase = result.at("phase").str();
      evidence.query = query_of(metric, result);
      evidence.success_condition = metric.at("successCondition").str();
      evidence.failure_condition = metric.at("failureCondition").str();
      for (const Value& m : result.at("measurements").items()) {
        evidence.measurements.push_back({std::string(m.at("finishedAt").str()), std::string(m.at("phase").str()),
                                         std::string(m.at("value").str()), std::string(m.at("message").str())});
      }
      out.push_back(std::move(evidence));
    }
  }
  return out;
}

/// What was promoted all the same, by a person or at a second try, has nothing that keeps it back.
std::vector<Evidence> evidence_in(const ServiceObjects& objects, const ServiceStatus& service) {
  std::vector<Evidence> out;
  const Value& status = objects.rollout.at("status");
  if (service.phase == "Healthy" || status.at("stableRS").str() == status.at("currentPodHash").str()) return out;
  std::ranges::copy_if(service.analysis, std::back_inserter(out), [](const Evidence& e) {
    return e.phase == "Failed" || e.phase == "Error" || e.phase == "Inconclusive";
  });
  return out;
}

std::vector<std::string> conditions_of(const Value& application) {
  std::vector<std::string> out;
  if (application.is_null())
    out.emplace_back("no Application brings it any more: its objects are left, and stay until somebody deletes them");
  for (const Value& condition : application.at("status", "conditions").items()) {
    out.push_back(fmt::format("{}: {}", condition.at("type").str(), condition.at("message").str()));
  }
  const Value& operation = application.at("status", "operationState");
  if (operation.at("phase").str() == "Running" && operation.at("retryCount").int_or(0) > 0)
    out.push_back(fmt::format("Sync: {}", operation.at("message").str()));
  return out;
}

/// It cannot be compared, or every attempt failed: an operation ends with either word.
/// Source: argo-cd gitops-engine/pkg/sync/common/types.go (OperationPhase.Completed).
bool sync_failed(const Value& application) {
  const Value& status = application.at("status");
  const Value& operation = status.at("operationState");
  if (status.at("sync", "status").str() == "Unknown") return !status.at("conditions").empty();
  const std::string_view phase = operation.at("phase").str();
  return status.at("sync", "status").str() == "OutOfSync" && (phase == "Failed" || phase == "Error") &&
         operation.at("syncResult", "revision") == status.at("sync", "revision");
}

/// As upstream's, a Rollout whose ReplicaSet is refused stays in the phase of the version before.
std::string refused_in(const Value& rollout) {
  constexpr std::string_view kReason = "ReplicaSetCreateError";
  for (const Value& condition : rollout.at("status", "conditions").items()) {
    if (condition.at("type").str() == "Progressing" && condition.at("reason").str() == kReason)
      return fmt::format("{}: {}", kReason, condition.at("message").str());
  }
  return {};
}

std::vector<std::string> problems_of(const ServiceObjects& objects, const ServiceStatus& service) {
  std::vector<std::string> out = service.conditions;
  if (!service.refused.empty()) out.push_back(service.refused);
  for (std::string& problem : pod_problems(objects, service.versions)) out.push_back(std::move(problem));
  return out;
}

std::string step_of(const Value& rollout) {
  const std::size_t steps = rollout.at("spec", "strategy", "canary", "steps").size();
  const std::string_view phase = rollout.at("status", "phase").str();
  if (steps == 0 || phase == "Healthy" || phase.empty() || !rollout.at("status").has("currentStepIndex")) return {};
  return fmt::format("{}/{}", rollout.at("status", "currentStepIndex").int_or(0), steps);
}

Tone tone_of(std::string_view health) {
  if (health == "Healthy") return Tone::kGood;
  if (health == "Degraded" || health == "Missing") return Tone::kBad;
  return Tone::kWarn;
}

std::string percent(const std::optional<double>& share) { return share ? fmt::format("{:.1f} %", *share * 100) : "-"; }
std::string millis(const std::optional<double>& seconds) {
  return seconds ? fmt::format("{:.0f} ms", *seconds * 1000) : "-";
}

/// One metric that failed: what it measured, what had to hold, what it asked.
std::string evidence_text(const ServiceStatus& service, const Evidence& e) {
  std::string out = fmt::format("\n{} {}: {} was {} in AnalysisRun {}{}\n", paint(Tone::kBad, "✗"),
                                paint(Tone::kBold, service.name), e.metric, e.phase, e.analysis_run,
                                service.aborted_at.empty() ? "" : fmt::format("; aborted at {}", service.aborted_at));
  for (const Evidence::Measurement& m : e.measurements) {
    out += fmt::format("  {}  {:<12} {}{}\n", m.at, m.phase, m.value, m.message.empty() ? "" : "  " + m.message);
  }
  const auto line = [&](std::string_view label, std::string_view text) {
    if (!text.empty()) out += fmt::format("  {} {}\n", paint(Tone::kDim, label), text);
  };
  line("must hold:", e.success_condition);
  line("must not hold:", e.failure_condition);
  for (const auto part : std::views::split(e.query, '\n')) line("query:", std::string_view(part.begin(), part.end()));
  return out;
}

/// How many requests the gates of an analysis ask for, and how many come in now.
struct GateTraffic {
  std::string window;
  std::int64_t wanted = 0;
  std::int64_t comes = 0;
};

/// Nothing where no query has a gate of the chart's kind, or the canary's requests are not counted.
std::optional<GateTraffic> gate_traffic(const ServiceStatus& service) {
  static const re2::RE2 kGate(R"(increase\(http_requests_total\{[^}]*\}\[(\w+)\]\)\) >= (\d+))");
  const auto canary = std::ranges::find(service.versions, "canary", &VersionStatus::role);
  if (canary == service.versions.end() || !canary->request_rate) return std::nullopt;
  for (const Evidence& e : service.evidence) {
    GateTraffic out;
    if (e.phase != "Inconclusive" || !re2::RE2::PartialMatch(e.query, kGate, &out.window, &out.wanted)) continue;
    const auto window = parse_duration(out.window);
    if (!window) continue;
    out.comes = std::llround(*canary->request_rate * std::chrono::duration<double>(*window).count());
    return out;
  }
  return std::nullopt;
}

/// What a paused rollout waits for, and how to give it.
std::string decision_text(const ServiceStatus& service) {
  const std::string plugin = "kubectl argo rollouts";
  const std::string which = fmt::format("{} -n {}", service.name, service.ns);
  std::string out = fmt::format("\n{} {} waits for a decision: {} promote|abort {}\n", paint(Tone::kWarn, "!"),
                                paint(Tone::kBold, service.name), plugin, which);
  if (!service.inconclusive) return out;
  const std::string again = fmt::format("{0} abort {1} && {0} retry rollout {1}\n", plugin, which);
  const auto traffic = gate_traffic(service);
  if (traffic && traffic->comes >= traffic->wanted) {
    return out + fmt::format(
                     "  Its analysis could not tell, but enough requests come in by now: {} in {}, of {} that a "
                     "measurement asks for. To have it judged, start the canary again:\n    {}",
                     traffic->comes, traffic->window, traffic->wanted, again);
  }
  const std::string why =
      traffic ? fmt::format("each measurement asks for {} requests to the canary in {}, and now {} come in",
                            traffic->wanted, traffic->window, traffic->comes)
              : "mostly because fewer requests came in than its gate asks for";
  return out + fmt::format(
                   "  Its analysis could not tell: {}. To have it judged:\n"
                   "    {}    # leave it running, and in another terminal start the canary again:\n    {}",
                   why, kLoadCommand, again);
}

std::string problem_text(std::string_view name, std::string_view problem) {
  return fmt::format("\n{} {}: {}\n", paint(Tone::kBad, "✗"), paint(Tone::kBold, name), problem);
}

/// What a person must know beyond the table.
std::string remarks(const ServiceStatus& service) {
  std::string out;
  for (const std::string& problem : service.problems) out += problem_text(service.name, problem);
  for (const Evidence& e : service.evidence) out += evidence_text(service, e);
  // Aborted by hand or by a deadline: then no metric says why.
  if (service.evidence.empty() && service.phase == "Degraded") out += problem_text(service.name, service.message);
  if (standing(service) == "paused") out += decision_text(service);
  return out;
}

Value strings(const std::vector<std::string>& texts) {
  Value out = Value::array();
  for (const std::string& text : texts) out.push_back(text);
  return out;
}

Value optional_number(const std::optional<double>& number) { return number ? Value(*number) : Value(); }

}  // namespace

bool owned_by(const Value& object, const Value& owner) {
  return std::ranges::any_of(object.at("metadata", "ownerReferences").items(), [&](const Value& reference) {
    return reference.at("uid").str() == owner.at("metadata", "uid").str();
  });
}

bool all_ready(const ServiceStatus& status) {
  return std::ranges::all_of(status.versions, [](const VersionStatus& v) { return v.ready == v.pods; });
}

std::string_view standing(const ServiceStatus& status) {
  const auto stable = std::ranges::find(status.versions, "stable", &VersionStatus::role);
  const bool serves = stable != status.versions.end() && stable->pods > 0 && stable->ready == stable->pods;
  if (!serves || status.step.empty()) return {};
  if (!status.aborted_at.empty()) return "rolled back";
  return status.phase == "Paused" ? "paused" : "in its canary";
}

std::string version_of(std::string_view image) {
  const ImageReference reference = ImageReference::parse(image);
  if (!reference.tag.empty()) return is_sha(reference.tag) ? gitops::short_sha(reference.tag) : reference.tag;
  if (!reference.digest.empty()) return reference.digest.substr(reference.digest.find(':') + 1, kShortDigest);
  return std::string(image);
}

ServiceStatus summarise(const ServiceObjects& objects) {
  const Value& rollout = objects.rollout;
  ServiceStatus out;
  out.name = rollout.at("metadata", "name").str();
  out.ns = rollout.at("metadata", "namespace").str();
  out.health = objects.application.at("status", "health", "status").string_or("Unknown");
  out.sync = objects.application.at("status", "sync", "status").string_or("Unknown");
  out.revision = objects.application.at("status", "sync", "revision").str();
  out.phase = rollout.at("status", "phase").str();
  out.message = rollout.at("status", "message").str();
  out.aborted_at = rollout.at("status", "abortedAt").str();
  out.step = step_of(rollout);
  const Value& status = rollout.at("status");
  out.observed =
      status.at("observedGeneration").str() == std::to_string(rollout.at("metadata", "generation").int_or(0));
  out.aborted = status.at("abort").bool_or(false);
  out.refused = refused_in(rollout);
  out.promoted =
      out.phase == "Healthy" && out.refused.empty() && status.at("stableRS").str() == status.at("currentPodHash").str();
  out.inconclusive = std::ranges::any_of(status.at("pauseConditions").items(), [](const Value& c) {
    return c.at("reason").str().starts_with("Inconclusive");
  });
  out.versions = versions_of(objects);
  out.analysis = analysis_of(objects);
  out.evidence = evidence_in(objects, out);
  out.sync_failed = sync_failed(objects.application);
  out.conditions = conditions_of(objects.application);
  out.problems = problems_of(objects, out);
  return out;
}

Value to_value(const ServiceStatus& status) {
  Value versions = Value::array();
  for (const VersionStatus& v : status.versions) {
    versions.push_back(Value::object({{"role", v.role},
                                      {"version", v.version},
                                      {"podTemplateHash", v.hash},
                                      {"readyPods", v.ready},
                                      {"pods", v.pods},
                                      {"weight", v.weight ? Value(*v.weight) : Value()},
                                      {"requestRate", optional_number(v.request_rate)},
                                      {"errorRate", optional_number(v.error_rate)},
                                      {"latencyP99Seconds", optional_number(v.p99_seconds)}}));
  }
  Value evidence = Value::array();
  for (const Evidence& e : status.evidence) {
    Value measurements = Value::array();
    for (const Evidence::Measurement& m : e.measurements) {
      measurements.push_back(
          Value::object({{"finishedAt", m.at}, {"phase", m.phase}, {"value", m.value}, {"message", m.message}}));
    }
    evidence.push_back(Value::object({{"analysisRun", e.analysis_run},
                                      {"metric", e.metric},
                                      {"phase", e.phase},
                                      {"successCondition", e.success_condition},
                                      {"failureCondition", e.failure_condition},
                                      {"query", e.query},
                                      {"measurements", std::move(measurements)}}));
  }
  return Value::object({{"name", status.name},
                        {"namespace", status.ns},
                        {"health", status.health},
                        {"sync", status.sync},
                        {"revision", status.revision},
                        {"phase", status.phase},
                        {"message", status.message},
                        {"step", status.step},
                        {"abortedAt", status.aborted_at},
                        {"versions", std::move(versions)},
                        {"evidence", std::move(evidence)},
                        {"problems", strings(status.problems)}});
}

ApplicationStatus summarise_application(const Value& application) {
  const Value& status = application.at("status");
  ApplicationStatus out;
  out.name = application.at("metadata", "name").str();
  out.health = status.at("health", "status").string_or("Unknown");
  out.sync = status.at("sync", "status").string_or("Unknown");
  out.revision = status.at("sync", "revision").str();
  out.problems = conditions_of(application);
  if (sync_failed(application) && out.problems.empty())
    out.problems.push_back(fmt::format("Sync: {}", status.at("operationState", "message").str()));
  for (const Value& resource : status.at("resources").items()) {
    const std::string_view health = resource.at("health", "status").string_or("Healthy");
    if (health == "Healthy") continue;
    const std::string_view why = resource.at("health", "message").str();
    out.problems.push_back(fmt::format("{} {} is {}{}{}", resource.at("kind").str(), resource.at("name").str(), health,
                                       why.empty() ? "" : ": ", why));
  }
  if (out.problems.empty() && !out.well()) out.problems.push_back(fmt::format("{} and {}", out.sync, out.health));
  return out;
}

Value to_value(const ApplicationStatus& status) {
  return Value::object({{"name", status.name},
                        {"health", status.health},
                        {"sync", status.sync},
                        {"revision", status.revision},
                        {"problems", strings(status.problems)}});
}

std::string to_text(const ApplicationStatus& application) {
  std::string out;
  for (const std::string& problem : application.problems) out += problem_text(application.name, problem);
  return out;
}

std::string to_text(const std::vector<ServiceStatus>& services) {
  Table table({"SERVICE", "HEALTH", "SYNC", "ROLLOUT", "STEP", "VERSION", "ROLE", "PODS", "WEIGHT", "ERRORS", "P99"});
  std::string evidence;
  for (const ServiceStatus& s : services) {
    bool first = true;
    const auto add = [&](const VersionStatus* v) {
      std::vector<std::string> row = {"", "", "", "", ""};
      if (first) {
        const std::string sync =
            s.revision.empty() ? s.sync : fmt::format("{} {}", s.sync, gitops::short_sha(s.revision));
        row = {s.name, paint(tone_of(s.health), s.health), sync, s.phase, s.step};
      }
      first = false;
      if (v != nullptr) {
        for (std::string cell :
             {v->label, v->role, fmt::format("{}/{}", v->ready, v->pods),
              v->weight ? fmt::format("{} %", *v->weight) : "-", percent(v->error_rate), millis(v->p99_seconds)}) {
          row.push_back(std::move(cell));
        }
      }
      table.add(std::move(row));
    };
    for (const VersionStatus& v : s.versions) add(&v);
    if (s.versions.empty()) add(nullptr);
    evidence += remarks(s);
  }
  return table.to_string() + evidence;
}

}  // namespace fairlead::cli
