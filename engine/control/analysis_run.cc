#include "engine/control/analysis_run.h"

#include <algorithm>
#include <utility>

#include <re2/re2.h>

#include "engine/control/analysis_args.h"
#include "engine/control/delivery_names.h"

namespace fairlead::control {

/// Queries under way, by run and metric.
struct AnalysisRunReconciler::Flights {
  struct Flight {
    std::string run_uid;
    std::uint64_t number = 0;  ///< Tells this query from an earlier one of the same metric.
    Time started;
    std::optional<Result<Value>> answer;
  };
  std::map<std::pair<api::Key, std::string>, Flight> under_way;
  std::uint64_t last_number = 0;

  void forget(const api::Key& run) {
    std::erase_if(under_way, [&](const auto& entry) { return entry.first.first == run; });
  }
};

/// One pass over one run.
struct AnalysisRunReconciler::Look {
  const api::Object& run;
  api::Key key;
  std::vector<Metric> metrics;
  std::vector<std::string> secrets;
  RunStatus status;
  bool asked_to_end = false;
  Time now;
  bool waiting = false;  ///< A query is still under way.
};

namespace {

std::string redacted(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    constexpr std::string_view kHidden = "*****";
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kHidden.size()))
      text.replace(at, secret.size(), kHidden);
  }
  return text;
}

/// Runs `apply` for each metric that a rule's regular expression names; a rule that names none is an error.
Result<> for_named(const Value& rules, std::string_view field, std::vector<Metric>& metrics, const auto& apply) {
  std::size_t index = 0;
  for (const Value& rule : rules.items()) {
    const RE2 pattern(std::string(rule.at("metricName").str()), RE2::Quiet);
    bool any = false;
    for (Metric& metric : metrics) {
      if (!pattern.ok() || !RE2::PartialMatch(metric.name, pattern)) continue;
      apply(metric, rule);
      any = true;
    }
    if (!any) return fail("{}[{}]: Rule didn't match any metric name(s)", field, index);
    ++index;
  }
  return {};
}

std::optional<Duration> time_to_live(const Value& strategy, std::string_view phase) {
  const auto seconds = [&](std::string_view key) -> std::optional<Duration> {
    const Value* value = strategy.find(key);
    return value != nullptr && value->is_int() ? std::optional<Duration>(std::chrono::seconds(value->int_or(0)))
                                               : std::nullopt;
  };
  if (phase == phase::kSuccessful && seconds("secondsAfterSuccess")) return seconds("secondsAfterSuccess");
  if (phase == phase::kFailed && seconds("secondsAfterFailure")) return seconds("secondsAfterFailure");
  return seconds("secondsAfterCompletion");
}

std::string_view severity(std::string_view phase) {
  return phase == phase::kFailed || phase == phase::kError ? "Warning" : "Normal";
}

}  // namespace

AnalysisRunReconciler::AnalysisRunReconciler(Manager& manager, api::Api& api, seam::Metrics& metrics,
                                             std::shared_ptr<const ResumeGate> gate)
    : manager_(manager),
      api_(api),
      metrics_(metrics),
      gate_(std::move(gate)),
      events_(api, "rollouts-controller"),
      runs_(api.schema().resource(kRolloutsGroup, "analysisruns")),
      flights_(std::make_shared<Flights>()) {}

AnalysisRunReconciler::~AnalysisRunReconciler() = default;

void AnalysisRunReconciler::observe(const api::Event& event, Queue& queue) {
  if (&event.object->resource() == &runs_) queue.add(event.object->key());
}

Result<Again> AnalysisRunReconciler::reconcile(const api::Key& key) {
  const auto run = api_.get(key);
  if (!run || run->deleting()) {
    flights_->forget(key);
    return Again::when_changed();
  }
  RunStatus status = RunStatus::of(run->at("status"));
  if (phase::completed(status.phase)) {
    flights_->forget(key);
    return keep_or_expire(*run, status);
  }
  std::vector<std::string> secrets;
  auto metrics = prepare(*run, secrets);
  if (!metrics) return refuse(*run, std::move(status), metrics.error().message);

  Look look{.run = *run,
            .key = key,
            .metrics = std::move(*metrics),
            .secrets = std::move(secrets),
            .status = std::move(status),
            .asked_to_end = run->at("spec", "terminate").bool_or(false),
            .now = api_.clock().now()};
  if (const auto held = held_until(*run); held && !look.asked_to_end) return Again::in(*held - look.now);
  if (look.status.phase.empty()) {
    for (const Metric& metric : look.metrics)
      for (const std::string& warning : gate_warnings(metric)) events_.warning(*run, "GateNeverFails", warning);
  }
  collect(look);
  depart(look);
  // As upstream: measurements that were due together are judged together.
  if (!look.waiting || look.status.phase.empty()) conclude(look);
  if (auto written = write(key, look.status); !written) return std::unexpected(written.error());
  return next_look(look);
}

Result<Again> AnalysisRunReconciler::keep_or_expire(const api::Object& run, const RunStatus& status) {
  const auto limit = time_to_live(run.at("spec", "ttlStrategy"), status.phase);
  if (!limit || !status.completed) return Again::when_changed();
  // Upstream counts whole seconds and removes only after one more.
  const Duration left = *status.completed + *limit + std::chrono::seconds(1) - api_.clock().now();
  if (left > Duration(0)) return Again::in(left);
  const auto removed = api_.remove(run.key());
  if (!removed && !removed.error().not_found()) return fail("{}", removed.error().message);
  return Again::when_changed();
}

Result<std::vector<Metric>> AnalysisRunReconciler::prepare(const api::Object& run,
                                                           std::vector<std::string>& secrets) const {
  const Value& spec = run.at("spec");
  auto values = argument_values(spec.at("args"), &api_, run.ns(), &secrets);
  if (!values) return fail("Unable to resolve metric arguments: {}", values.error().message);
  auto resolved = substitute_all(spec.at("metrics"), *values);
  if (!resolved) return fail("Unable to resolve metric arguments: {}", resolved.error().message);
  auto metrics = read_metrics(*resolved);
  if (!metrics) return fail("Analysis spec invalid: {}", redacted(metrics.error().message, secrets));
  auto dry =
      for_named(spec.at("dryRun"), "dryRun", *metrics, [](Metric& metric, const Value&) { metric.dry_run = true; });
  if (!dry) return fail("Analysis spec invalid: {}", dry.error().message);
  auto kept = for_named(spec.at("measurementRetention"), "measurementRetention", *metrics,
                        [](Metric& metric, const Value& rule) {
                          if (const auto limit = rule.at("limit").int_or(0); limit > 0) metric.retained = limit;
                        });
  if (!kept) return fail("Analysis spec invalid: {}", kept.error().message);
  return metrics;
}

Result<Again> AnalysisRunReconciler::refuse(const api::Object& run, RunStatus status, std::string message) {
  flights_->forget(run.key());
  status.phase = phase::kError;
  status.message = std::move(message);
  events_.warning(run, "AnalysisRunError", "Analysis Completed. Result: Error");
  if (auto written = write(run.key(), status); !written) return std::unexpected(written.error());
  return Again::when_changed();
}

std::optional<Time> AnalysisRunReconciler::held_until(const api::Object& run) const {
  const Time now = api_.clock().now();
  const Duration window = window_of(run.at("spec", "metrics"));
  for (const Value& owner : run.at("metadata", "ownerReferences").items()) {
    if (owner.at("kind").str() != "Rollout") continue;
    const std::string_view uid = owner.at("uid").str();
    if (api_.store().by_uid(uid)) return gate_->held_until(uid, now, window);
  }
  const auto created = parse_time(run.at("metadata", "creationTimestamp").str());
  return gate_->held_alone(created.value_or(now), window, now);
}

void AnalysisRunReconciler::collect(Look& look) {
  if (look.status.terminating(look.asked_to_end)) flights_->forget(look.key);
  for (const Metric& metric : look.metrics) {
    const auto found = flights_->under_way.find({look.key, metric.name});
    if (found == flights_->under_way.end()) continue;
    Flights::Flight& flight = found->second;
    const bool late = look.now >= flight.started + metric.timeout;
    if (flight.run_uid == look.run.uid() && !flight.answer && !late) {
      look.waiting = true;
      continue;
    }
    Measurement measurement;
    measurement.started = flight.started;
    measurement.finished = look.now;
    if (!flight.answer || !*flight.answer) {
      measurement.phase = phase::kError;
      measurement.message = flight.answer
                                ? flight.answer->error().message
                                : fmt::format("Prometheus did not answer within {}", format_duration(metric.timeout));
    } else {
      Verdict verdict = judge(metric, **flight.answer);
      measurement.phase = std::move(verdict.phase);
      measurement.message = std::move(verdict.message);
      measurement.value = std::move(verdict.value);
    }
    measurement.message = redacted(std::move(measurement.message), look.secrets);
    const bool same_run = flight.run_uid == look.run.uid();
    flights_->under_way.erase(found);
    if (!same_run) continue;
    MetricResult* result = look.status.find(metric.name);
    if (result == nullptr) {
      result = &look.status.results.emplace_back();
      result->name = metric.name;
      result->phase = phase::kRunning;
      result->dry_run = metric.dry_run;
      if (!metric.query.empty())
        result->metadata = Value::object({{"ResolvedPrometheusQuery", redacted(metric.query, look.secrets)}});
    }
    result->add(std::move(measurement));
  }
}

/// When a metric is to be measured next; nothing when it is over.
std::optional<Time> AnalysisRunReconciler::due(const Metric& metric, const RunStatus& status) const {
  const auto after = [&](Time from, Duration wait) { return from + wait + gate_->lost_since(from); };
  const MetricResult* result = status.find(metric.name);
  if (result == nullptr || result->measurements.empty()) {
    if (!metric.initial_delay) return Time();
    return status.started ? std::optional(after(*status.started, *metric.initial_delay)) : std::nullopt;
  }
  if (phase::completed(result->phase)) return std::nullopt;
  const auto count = metric.effective_count();
  if (count && result->count >= *count) return std::nullopt;
  const Measurement& last = result->measurements.back();
  const Duration wait =
      last.phase == phase::kError ? kErrorRetryInterval : metric.interval.value_or(kErrorRetryInterval);
  return last.finished ? std::optional(after(*last.finished, wait)) : std::nullopt;
}

void AnalysisRunReconciler::depart(Look& look) {
  if (look.status.terminating(look.asked_to_end)) return;
  for (const Metric& metric : look.metrics) {
    const auto at = due(metric, look.status);
    if (!at || *at > look.now || flights_->under_way.contains({look.key, metric.name})) continue;
    const std::uint64_t number = ++flights_->last_number;
    flights_->under_way.insert_or_assign(
        std::pair(look.key, metric.name),
        Flights::Flight{.run_uid = std::string(look.run.uid()), .number = number, .started = look.now, .answer = {}});
    look.waiting = true;
    // The query may outlive this reconciler, not the Manager: its answer is dropped then.
    auto done = [flights = std::weak_ptr(flights_), manager = &manager_, key = look.key, metric = metric.name,
                 number](Result<Value> answer) {
      const auto alive = flights.lock();
      if (!alive) return;
      const auto found = alive->under_way.find({key, metric});
      if (found == alive->under_way.end() || found->second.number != number) return;
      found->second.answer = std::move(answer);
      manager->wake("analysisrun", key);
    };
    metrics_.query(metric.address, metric.query, look.now, std::move(done));
  }
}

void AnalysisRunReconciler::conclude(Look& look) {
  RunAssessment assessment = assess(look.status, look.metrics, look.asked_to_end, look.now);
  for (const MetricEnd& end : assessment.ended) {
    events_.record(look.run, severity(end.phase), "Metric" + end.phase,
                   fmt::format("Metric '{}' Completed. Result: {}", end.metric, end.phase));
  }
  if (assessment.phase != look.status.phase) {
    look.status.phase = assessment.phase;
    look.status.message = assessment.message;
    if (phase::completed(assessment.phase)) {
      look.status.completed = look.now;
      events_.record(look.run, severity(assessment.phase), "AnalysisRun" + assessment.phase,
                     fmt::format("Analysis Completed. Result: {}", assessment.phase));
    }
  }
  for (const Metric& metric : look.metrics) {
    MetricResult* result = look.status.find(metric.name);
    const auto kept = static_cast<std::size_t>(metric.retained);
    if (result == nullptr || result->measurements.size() <= kept) continue;
    const auto surplus = static_cast<std::ptrdiff_t>(result->measurements.size() - kept);
    result->measurements.erase(result->measurements.begin(), result->measurements.begin() + surplus);
  }
}

Result<> AnalysisRunReconciler::write(const api::Key& key, const RunStatus& status) {
  const auto subresource = runs_.has_status ? api::Subresource::kStatus : api::Subresource::kNone;
  const auto written = api_.mutate(key, subresource, [&](Value& tree) { status.write_to(tree["status"]); });
  if (!written && !written.error().not_found()) return fail("{}", written.error().message);
  return {};
}

Again AnalysisRunReconciler::next_look(const Look& look) const {
  if (phase::completed(look.status.phase)) return Again::when_changed();
  std::optional<Time> next;
  const auto consider = [&](Time at) { next = next ? std::min(*next, at) : at; };
  for (const Metric& metric : look.metrics) {
    const auto flight = flights_->under_way.find({look.key, metric.name});
    if (flight != flights_->under_way.end()) {
      if (!flight->second.answer) consider(flight->second.started + metric.timeout);
      continue;
    }
    if (const auto at = due(metric, look.status)) consider(*at);
  }
  if (!next) return Again::when_changed();
  return Again::in(std::max(Duration(0), *next - look.now));
}

}  // namespace fairlead::control
