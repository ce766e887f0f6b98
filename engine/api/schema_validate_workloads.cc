// Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs.
// Sources: pkg/apis/apps/validation/validation.go, pkg/apis/batch/validation/validation.go.
#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/api/schema_names.h"
#include "engine/api/schema_validate.h"
#include "engine/api/selector.h"

namespace fairlead::api {
namespace {

/// Selector and template, which must fit each other.
void check_template(const Value& spec, std::string_view kind, Findings& findings) {
  const Value& selector = spec.at("selector");
  const Value& labels = spec.at("template", "metadata", "labels");
  bool fine = true;
  if (selector.is_null()) {
    findings.required("spec.selector");
    fine = true;
  } else {
    fine = check_label_selector(selector, "spec.selector", findings);
    if (selector.at("matchLabels").empty() && selector.at("matchExpressions").empty()) {
      findings.invalid("spec.selector", selector, fmt::format("empty selector is invalid for {}", kind));
    }
  }
  if (!fine) {
    findings.invalid("spec.selector", selector, "invalid label selector");
  } else if (const auto parsed = Selector::from_label_selector(selector); !parsed || !parsed->matches(labels)) {
    findings.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
  }
  check_pod_template(spec.at("template"), "spec.template", findings);
}

void check_always(const Value& spec, Findings& findings) {
  const Value& policy = spec.at("template", "spec", "restartPolicy");
  if (policy.is_null() || policy.str() == "Always") return;
  if (policy.str() == "Never" || policy.str() == "OnFailure")
    findings.not_supported("spec.template.spec.restartPolicy", policy, {"Always"});
}

/// -1 for a string that is no percentage.
std::int64_t percent_of(const Value& value) {
  if (!value.is_string() || !bad_percent(value.str()).empty()) return -1;
  std::int64_t out = -1;
  std::from_chars(value.str().data(), value.str().data() + value.str().size() - 1, out);
  return out;
}

void check_share(const Value& value, const std::string& path, bool capped, Findings& findings) {
  if (value.is_string()) {
    if (const std::string why = bad_percent(value.str()); !why.empty()) return findings.invalid(path, value, why);
  }
  check_least(value, 0, path, findings);
  if (capped && percent_of(value) > 100) findings.invalid(path, value, "must not be greater than 100%");
}

bool is_none(const Value& value) { return value == Value(0) || percent_of(value) == 0; }

void check_strategy(const Value& strategy, Findings& findings) {
  const std::string_view type = strategy.at("type").str();
  const std::string path = "spec.strategy";
  if (type == "Recreate") {
    if (strategy.has("rollingUpdate"))
      findings.forbidden(path + ".rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
    return;
  }
  if (type != "RollingUpdate") return findings.not_supported(path, strategy, {"Recreate", "RollingUpdate"});
  const Value& update = strategy.at("rollingUpdate");
  check_share(update.at("maxUnavailable"), path + ".rollingUpdate.maxUnavailable", true, findings);
  check_share(update.at("maxSurge"), path + ".rollingUpdate.maxSurge", false, findings);
  if (is_none(update.at("maxUnavailable")) && is_none(update.at("maxSurge"))) {
    findings.invalid(path + ".rollingUpdate.maxUnavailable", update.at("maxUnavailable"),
                     "may not be 0 when `maxSurge` is 0");
  }
}

void check_counts(const Value& spec, std::initializer_list<std::string_view> fields, Findings& findings) {
  for (const std::string_view field : fields) check_least(spec.at(field), 0, child_path("spec", field), findings);
}

}  // namespace

void check_deployment(const Value& object, const Value* before, Findings& findings) {
  const Value& spec = object.at("spec");
  check_counts(spec, {"replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"}, findings);
  check_template(spec, "deployment", findings);
  check_always(spec, findings);
  check_strategy(spec.at("strategy"), findings);
  const std::int64_t deadline = spec.at("progressDeadlineSeconds").int_or(600);
  if (deadline > 0 && deadline <= spec.at("minReadySeconds").int_or(0)) {
    findings.invalid("spec.progressDeadlineSeconds", spec.at("progressDeadlineSeconds"),
                     "must be greater than minReadySeconds");
  }
  if (before != nullptr)
    check_immutable(spec.at("selector"), before->at("spec", "selector"), "spec.selector", findings);
}

void check_replica_set(const Value& object, const Value* before, Findings& findings) {
  const Value& spec = object.at("spec");
  check_counts(spec, {"replicas", "minReadySeconds"}, findings);
  check_template(spec, "deployment", findings);
  check_always(spec, findings);
  if (before != nullptr)
    check_immutable(spec.at("selector"), before->at("spec", "selector"), "spec.selector", findings);
}

void check_stateful_set(const Value& object, const Value* before, Findings& findings) {
  const Value& spec = object.at("spec");
  const Value& policy = spec.at("podManagementPolicy");
  if (policy.str() != "OrderedReady" && policy.str() != "Parallel") {
    findings.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'");
  }
  const std::string_view type = spec.at("updateStrategy", "type").str();
  if (type != "RollingUpdate" && type != "OnDelete") {
    findings.invalid("spec.updateStrategy", spec.at("updateStrategy"), "must be 'RollingUpdate' or 'OnDelete'");
  }
  check_counts(spec, {"replicas", "minReadySeconds"}, findings);
  check_template(spec, "statefulset", findings);
  check_always(spec, findings);
  for (std::size_t i = 0; i < spec.at("volumeClaimTemplates").size(); ++i) {
    check_claim_spec(spec.at("volumeClaimTemplates", i, "spec"), index_path("spec.volumeClaimTemplates", i) + ".spec",
                     findings);
  }
  if (before == nullptr) return;
  Value now = spec;
  Value then = before->at("spec");
  for (const std::string_view field : {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                                       "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}) {
    now.erase(field);
    then.erase(field);
  }
  if (now == then) return;
  findings.forbidden(
      "spec",
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
      "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
}

void check_daemon_set(const Value& object, const Value* before, Findings& findings) {
  const Value& spec = object.at("spec");
  check_template(spec, "daemonset", findings);
  check_always(spec, findings);
  const std::string_view type = spec.at("updateStrategy", "type").str();
  if (type != "RollingUpdate" && type != "OnDelete") {
    findings.not_supported("spec.updateStrategy", spec.at("updateStrategy"), {"RollingUpdate", "OnDelete"});
  }
  check_counts(spec, {"minReadySeconds", "revisionHistoryLimit"}, findings);
  if (before != nullptr)
    check_immutable(spec.at("selector"), before->at("spec", "selector"), "spec.selector", findings);
}

void check_job(const Value& object, const Value* before, Findings& findings) {
  const Value& spec = object.at("spec");
  check_counts(spec, {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"},
               findings);
  check_pod_template(spec.at("template"), "spec.template", findings);
  check_one_of(spec.at("completionMode"), {"NonIndexed", "Indexed"}, "spec.completionMode", findings);
  const std::string_view policy = spec.at("template", "spec", "restartPolicy").str();
  if (policy == "Always")
    findings.required("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"");
  if (before == nullptr) return;
  for (const std::string_view field : {"completions", "selector", "template"}) {
    const bool elastic = field == "completions" && spec.at("completionMode").str() == "Indexed";
    if (!elastic) check_immutable(spec.at(field), before->at("spec", field), child_path("spec", field), findings);
  }
}

void check_cron_job(const Value& object, const Value* before, Findings& findings) {
  constexpr std::size_t kMostName = 52;  // Its Jobs have eleven characters more.
  const Value& spec = object.at("spec");
  const Value& name = object.at("metadata", "name");
  if (before == nullptr && name.str().size() > kMostName)
    findings.invalid("metadata.name", name, fmt::format("must be no more than {} characters", kMostName));
  std::string_view schedule = spec.at("schedule").str();
  if (schedule.contains("TZ")) {
    findings.invalid("spec.schedule", spec.at("schedule"),
                     "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  }
  if (schedule.starts_with("TZ=") || schedule.starts_with("CRON_TZ="))
    schedule.remove_prefix(std::min(schedule.find(' '), schedule.size() - 1) + 1);
  const auto words = std::ranges::count_if(
      schedule, [previous = ' '](char c) mutable { return std::exchange(previous, c) == ' ' && c != ' '; });
  if (schedule.empty()) {
    findings.required("spec.schedule");
  } else if (!schedule.starts_with('@') && words != 5) {
    std::string list(schedule);
    findings.invalid("spec.schedule", spec.at("schedule"),
                     fmt::format("expected exactly 5 fields, found {}: [{}]", words, list));
  }
  check_counts(spec, {"startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"}, findings);
  check_one_of(spec.at("concurrencyPolicy"), {"Allow", "Forbid", "Replace"}, "spec.concurrencyPolicy", findings);
  check_pod_template(spec.at("jobTemplate", "spec", "template"), "spec.jobTemplate.spec.template", findings);
}

}  // namespace fairlead::api
