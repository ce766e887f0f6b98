// AnalysisRuns of a Rollout: those of analysis steps, and the one in the background.
// Source: argo-rollouts/rollout/analysis.go, utils/analysis/filter.go.
#include <algorithm>
#include <map>

#include "engine/control/analysis_args.h"
#include "engine/control/analysis_templates.h"
#include "engine/control/delivery_names.h"
#include "engine/control/ownership.h"
#include "engine/control/rollout_look.h"
#include "engine/control/rollout_status.h"

namespace fairlead::control {
namespace {

constexpr int kMaxNameCollisions = 100;
constexpr std::int64_t kKeptRuns = 5;

std::string_view run_phase(const api::ObjectPtr& run) {
  return run ? run->at("status", "phase").str() : std::string_view();
}

Result<> cancel(RolloutLook& look, api::ObjectPtr& run) {
  if (!run || phase::completed(run_phase(run)) || run->at("spec", "terminate").bool_or(false)) return {};
  const auto written =
      look.in.api.mutate(run->key(), api::Subresource::kNone, [](Value& tree) { tree["spec"].set("terminate", true); });
  if (!written && !written.error().not_found()) return fail("{}", written.error().message);
  if (written) run = *written;
  return {};
}

/// Whether a run has to be made: there is none, somebody went on after an inconclusive one, or tries again after an
/// abort.
bool needs_new_run(const RolloutLook& look, const api::ObjectPtr& run) {
  if (!run) return true;
  if (look.old_status().at("controllerPause").bool_or(false) && look.pause_condition(kPauseStep) == nullptr)
    return run_phase(run) == phase::kInconclusive;
  return look.old_status().has("abortedAt");
}

struct RunPlan {
  const Value& analysis;  ///< The part of the Rollout that asks: {templates, args, dryRun, analysisRunMetadata …}.
  std::string infix;      ///< The step's index; empty in the background.
  std::string_view type;
};

Value run_metadata(const RolloutLook& look, const RunPlan& plan, const std::string& revision) {
  Value labels = Value::object(
      {{std::string(kPodHashLabel), pod_hash_of(look.canary)}, {std::string(kRolloutTypeLabel), plan.type}});
  if (!plan.infix.empty()) labels.set(kStepIndexLabel, plan.infix);
  for (const Member& member : plan.analysis.at("analysisRunMetadata", "labels").members())
    labels.set(member.key, member.value);
  for (const Member& member : look.spec().at("selector", "matchLabels").members()) labels.set(member.key, member.value);
  Value annotations = Value::object({{std::string(kRevisionAnnotation), revision}});
  for (const Member& member : plan.analysis.at("analysisRunMetadata", "annotations").members())
    annotations.set(member.key, member.value);
  return Value::object({{"namespace", look.rollout->ns()},
                        {"labels", std::move(labels)},
                        {"annotations", std::move(annotations)},
                        {"ownerReferences", Value::array({controller_reference(*look.rollout)})}});
}

/// Creates the run under the first name that is free; one of this Rollout that is there and is the same is taken.
Result<api::ObjectPtr> create_run(RolloutLook& look, const RunPlan& plan) {
  const PodHashes hashes{std::string(pod_hash_of(look.canary)), std::string(pod_hash_of(look.stable))};
  const auto templates = find_templates(look.in.api, look.rollout->ns(), plan.analysis.at("templates"));
  if (!templates) return std::unexpected(templates.error());
  const RolloutArguments args = rollout_arguments(plan.analysis.at("args"), look.rollout->tree(), hashes);
  if (!args.problem.empty()) return fail("{}", args.problem);
  auto spec = analysis_spec(*templates, plan.analysis, args.args);
  if (!spec) return std::unexpected(spec.error());
  const std::string revision(look.rollout->annotation(kRevisionAnnotation));
  std::string base = fmt::format("{}-{}-{}", look.rollout->name(), hashes.latest, revision);
  if (!plan.infix.empty()) base += "-" + plan.infix;
  for (int i = 0; i < kMaxNameCollisions; ++i) {
    const std::string name = i == 0 ? base : fmt::format("{}.{}", base, i);
    auto existing = look.in.api.get(look.in.runs, look.rollout->ns(), name);
    if (existing) {
      const bool ours = is_controlled_by(existing->tree(), *look.rollout);
      if (ours && !phase::completed(run_phase(existing)) && existing->at("spec") == *spec) return existing;
      continue;
    }
    Value object = Value::object({{"apiVersion", look.in.runs.api_version()},
                                  {"kind", "AnalysisRun"},
                                  {"metadata", run_metadata(look, plan, revision)},
                                  {"spec", *spec}});
    object["metadata"].set("name", name);
    const auto created = look.in.api.create(look.in.runs, look.rollout->ns(), std::move(object));
    if (!created) return fail("{}", created.error().message);
    return *created;
  }
  return fail("no free name for AnalysisRun {}", base);
}

/// The same, and says why where it cannot: upstream tells only its log, and the Rollout stands still.
Result<> make_run(RolloutLook& look, const RunPlan& plan, api::ObjectPtr& run) {
  auto made = create_run(look, plan);
  if (!made) {
    look.warn("AnalysisRunCreateError", fmt::format("Failed to create an AnalysisRun: {}", made.error().message));
    return std::unexpected(made.error());
  }
  run = std::move(*made);
  return {};
}

/// What the end of a run means for the Rollout.
void follow(RolloutLook& look, const api::ObjectPtr& run, std::string_view what) {
  const std::string_view phase = run_phase(run);
  if (phase == phase::kInconclusive) look.pause.add.emplace_back(kInconclusivePause);
  if (phase != phase::kError && phase != phase::kFailed) return;
  look.pause.add_abort = true;
  look.pause.abort_message = fmt::format("{} analysis phase error/failed", what);
  if (const std::string_view message = run->at("status", "message").str(); !message.empty())
    look.pause.abort_message += fmt::format(": {}", message);
}

Result<> run_step_analysis(RolloutLook& look) {
  if (!look.old_status().at("pauseConditions").empty() || look.old_status().at("abort").bool_or(false)) return {};
  const Value* step = look.current_step();
  const std::string index = std::to_string(look.step_index().value_or(0));
  const bool analyses = step != nullptr && !step->at("analysis", "templates").empty();
  const bool of_earlier_step = look.step_run && look.step_run->label(kStepIndexLabel) != index;
  if (!analyses || of_earlier_step) {
    if (auto r = cancel(look, look.step_run); !r) return r;
    if (look.step_run) look.other_runs.push_back(std::exchange(look.step_run, nullptr));
    return {};
  }
  if (needs_new_run(look, look.step_run)) return make_run(look, {step->at("analysis"), index, kStepRun}, look.step_run);
  follow(look, look.step_run, "Step-based");
  return {};
}

bool before_starting_step(const RolloutLook& look) {
  const Value& starting = look.strategy().at("analysis", "startingStep");
  return starting.is_int() && look.step_index() && *look.step_index() < starting.int_or(0);
}

Result<> run_background_analysis(RolloutLook& look) {
  const Value& analysis = look.strategy().at("analysis");
  const auto drop = [&] {
    if (look.background_run) look.other_runs.push_back(std::exchange(look.background_run, nullptr));
  };
  if (analysis.at("templates").empty()) {
    auto r = cancel(look, look.background_run);
    drop();
    return r;
  }
  if (look.pod_hash().empty() || before_starting_step(look)) {
    drop();
    return {};
  }
  if (look.pause_condition(kInconclusivePause) != nullptr) return {};
  if (needs_new_run(look, look.background_run))
    return make_run(look, {analysis, "", kBackgroundRun}, look.background_run);
  follow(look, look.background_run, "Background");
  return {};
}

/// Runs beyond the limits of spec.analysis, and those whose ReplicaSet is gone.
std::vector<api::ObjectPtr> surplus_runs(const RolloutLook& look) {
  const Value& limits = look.spec().at("analysis");
  std::int64_t good = limits.at("successfulRunHistoryLimit").int_or(kKeptRuns);
  std::int64_t bad = limits.at("unsuccessfulRunHistoryLimit").int_or(kKeptRuns);
  std::vector<api::ObjectPtr> runs = look.other_runs;
  std::ranges::sort(runs, [](const api::ObjectPtr& a, const api::ObjectPtr& b) {
    return std::pair(creation_of(*a), a->name()) > std::pair(creation_of(*b), b->name());
  });
  std::vector<api::ObjectPtr> out;
  for (const auto& run : runs) {
    const std::string_view hash = run->label(kPodHashLabel);
    const bool known = !hash.empty() && std::ranges::any_of(look.all, [&](const api::ObjectPtr& each) {
      return pod_hash_of(each) == hash && !each->deleting();
    });
    const std::string_view phase = run_phase(run);
    const bool over = phase == phase::kSuccessful ? --good < 0 : phase::completed(phase) && --bad < 0;
    if (!known || over) out.push_back(run);
  }
  return out;
}

void announce(RolloutLook& look, std::string_view field, const api::ObjectPtr& run, std::string_view type) {
  Value& canary = look.status.make("canary");
  if (canary.is_null()) canary = Value::object();
  canary.erase(field);
  if (!run) return;
  const std::string phase(run_phase(run));
  Value entry = Value::object({{"name", run->name()}, {"status", phase}});
  if (const Value& message = run->at("status", "message"); !message.str().empty()) entry.set("message", message);
  canary.set(field, std::move(entry));
  const Value& before = look.old_status().at("canary", field);
  const bool changed =
      before.is_null() || (before.at("name").str() == run->name() && before.at("status").str() != phase);
  if (phase.empty() || !changed) return;
  const std::string previous(before.is_null() ? "NoPreviousStatus" : before.at("status").str());
  const bool bad = phase == phase::kFailed || phase == phase::kError;
  look.in.events.record(
      *look.rollout, bad ? "Warning" : "Normal", "AnalysisRun" + phase,
      fmt::format("{} Analysis Run '{}' Status New: '{}' Previous: '{}'", type, run->name(), phase, previous));
}

}  // namespace

Result<Next> run_analyses(RolloutLook& look) {
  const bool idle = look.fully_promoted() || look.aborted() || look.old_status().at("promoteFull").bool_or(false) ||
                    is_fast_rollback(look) || look.stable_hash().empty();
  if (idle) {
    for (api::ObjectPtr* run : {&look.step_run, &look.background_run}) {
      if (auto r = cancel(look, *run); !r) return std::unexpected(r.error());
      if (*run) look.other_runs.push_back(std::exchange(*run, nullptr));
    }
  } else {
    if (auto r = run_step_analysis(look); !r) return std::unexpected(r.error());
    if (auto r = run_background_analysis(look); !r) return std::unexpected(r.error());
  }
  for (auto& run : look.other_runs)
    if (auto r = cancel(look, run); !r) return std::unexpected(r.error());
  for (const auto& run : surplus_runs(look)) {
    if (run->deleting()) continue;
    const auto removed = look.in.api.remove(run->key());
    if (!removed && !removed.error().not_found()) return fail("{}", removed.error().message);
  }
  announce(look, "currentStepAnalysisRunStatus", look.step_run, kStepRun);
  announce(look, "currentBackgroundAnalysisRunStatus", look.background_run, kBackgroundRun);
  return look.pause.add.empty() ? Next::kGoOn : Next::kWriteStatus;
}

}  // namespace fairlead::control
