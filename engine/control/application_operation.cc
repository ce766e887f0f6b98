// When an Application's operation begins, goes on, is tried again and is over.
// Source: argo-cd controller/appcontroller.go (autoSync, processRequestedAppOperation), controller/sync.go
// (SyncAppState).
#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "engine/control/application.h"
#include "engine/control/application_options.h"
#include "engine/control/application_plan.h"
#include "engine/control/application_retry.h"
#include "engine/control/application_sync.h"
#include "engine/control/application_windows.h"

namespace fairlead::control {
namespace {

/// Whether an automated operation would change anything: what only waits to be pruned, and may not be, is no reason.
bool has_work(const std::vector<ApplicationItem>& items, bool prune) {
  return std::ranges::any_of(
      items, [&](const ApplicationItem& item) { return !item.synced && (prune || !item.target.is_null()); });
}

/// Git holds nothing of what is here: more often a mistake than a wish.
bool wipes_out(const std::vector<ApplicationItem>& items, const Value& automated) {
  return automated.at("prune").bool_or(false) && !automated.at("allowEmpty").bool_or(false) &&
         std::ranges::all_of(items, [](const ApplicationItem& item) { return item.target.is_null(); });
}

/// What a sync that somebody asked for would leave aside; it would do something else than it was asked to.
std::string ignored_part(const Value& sync) {
  for (const char* part : {"dryRun", "manifests", "source", "sources", "revisions"}) {
    const Value& given = sync.at(part);
    if (given.is_bool() ? given.bool_or(false) : !given.empty()) return part;
  }
  for (const char* strategy : {"apply", "hook"}) {
    if (sync.at("syncStrategy", strategy, "force").bool_or(false))
      return fmt::format("syncStrategy.{}.force", strategy);
  }
  return {};
}

std::string text_of(const std::vector<ApplicationCondition>& conditions) {
  std::vector<std::string> errors;
  for (const auto& [type, message] : conditions)
    if (type == "InvalidSpecError" || type == "ComparisonError") errors.push_back(message);
  return fmt::format("{}", fmt::join(errors, "; "));
}

/// What is out of sync alone, so that healing waits for nothing else. Namespaces are left out, as upstream.
Value out_of_sync_resources(const std::vector<ApplicationItem>& items) {
  Value out = Value::array();
  for (const ApplicationItem& item : items) {
    if (item.synced) continue;
    Value one = Value::object({{"kind", item.kind}, {"name", item.key.name}});
    if (!item.group.empty()) one.set("group", item.group);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

/// An automated operation may begin or, with `started`, go on. A window that cannot be read holds everything back.
bool ApplicationReconciler::permitted_now(Plan& plan, bool manual, std::optional<Time> started) const {
  const auto permitted =
      sync_permitted(plan.project->tree(), plan.application->tree(), manual, api_.clock().now(), started);
  if (permitted && *permitted) return true;
  std::string message = fmt::format("Sync operation blocked by sync window of project {}",
                                    plan.project->tree().at("metadata", "name").str());
  if (!permitted) message += fmt::format(": invalid sync windows: {}", permitted.error().message);
  if (started) plan.operation.set("message", message);
  plan.conditions.emplace_back("SyncWindowWarning", std::move(message));
  return false;
}

/// Whether an automated operation may begin now; it is put into the plan then, else `again` says when to look.
Result<bool> ApplicationReconciler::begin_by_itself(Plan& plan, Again& again) const {
  const Value& automated = plan.automated();
  const bool prune = automated.at("prune").bool_or(false);
  const Comparison& wanted = *plan.wanted;
  if (!plan.is_automated() || !wanted.error.empty() || !wanted.out_of_sync() || !has_work(wanted.items, prune))
    return false;
  if (!permitted_now(plan, false, std::nullopt)) return false;
  const Value& policy = plan.spec().at("syncPolicy", "retry");
  const Value retry = policy.is_null() ? Value::object({{"limit", kRetryLimit}}) : policy;
  if (const auto read = ApplicationRetry::of(retry); !read) return std::unexpected(read.error());
  Value sync = Value::object({{"revision", wanted.revision}, {"source", plan.spec().at("source")}});
  if (plan.attempted()) {
    if (plan.phase() != "Succeeded") {
      plan.conditions.emplace_back("SyncError", fmt::format("Failed last sync attempt to {}: {}", wanted.revision,
                                                            plan.operation.at("message").str()));
      return false;
    }
    if (!automated.at("selfHeal").bool_or(false)) return false;
    const Time now = api_.clock().now();
    const std::int64_t heals = plan.operation.at("operation", "sync", "autoHealAttemptsCount").int_or(0);
    const Time due = parse_time(plan.operation.at("finishedAt").str()).value_or(now) + self_heal_delay(heals);
    if (now < due) {
      again = Again::in(due - now);
      return false;
    }
    sync.set("autoHealAttemptsCount", heals + 1);
    sync.set("resources", out_of_sync_resources(wanted.items));
  }
  if (wipes_out(wanted.items, automated)) {
    plan.conditions.emplace_back("SyncError",
                                 fmt::format("Skipping sync attempt to {}: auto-sync will wipe out all resources; set "
                                             "spec.syncPolicy.automated.allowEmpty if that is wanted",
                                             wanted.revision));
    return false;
  }
  if (prune) sync.set("prune", true);
  if (const Value& options = plan.spec().at("syncPolicy", "syncOptions"); !options.empty())
    sync.set("syncOptions", options);
  begin(plan,
        Value::object(
            {{"sync", std::move(sync)}, {"initiatedBy", Value::object({{"automated", true}})}, {"retry", retry}}));
  return true;
}

/// `operation` is what is asked for; of which commit and source it will be stands in the result from now on.
void ApplicationReconciler::begin(Plan& plan, Value operation) const {
  const std::string_view asked = operation.at("sync", "revision").str();
  const Value& own = operation.at("sync", "source");
  const Value source = own.is_null() ? plan.spec().at("source") : own;
  const std::string_view target = source.at("targetRevision").str();
  const bool newest = asked.empty() || asked == target;
  // A retry keeps its source, of which the newest commit of what spec says now may not be one.
  const bool known = newest && plan.wanted && source == plan.spec().at("source");
  const std::string revision(known ? plan.wanted->revision : newest ? target : asked);
  plan.operation = Value::object(
      {{"phase", "Running"},
       {"message", "waiting for completion"},
       {"startedAt", format_time(api_.clock().now())},
       {"operation", std::move(operation)},
       {"syncResult", Value::object({{"revision", revision}, {"source", source}, {"resources", Value::array()}})}});
}

/// An operation that somebody wrote into the Application's neighbour of spec. False when it cannot be done as asked.
bool ApplicationReconciler::begin_as_asked(Plan& plan) const {
  Value operation = plan.application->at("operation");
  plan.taken = true;
  if (!operation.has("initiatedBy")) operation.set("initiatedBy", Value::object({{"automated", false}}));
  const bool nothing = operation.at("sync").is_null();
  const std::string part = ignored_part(operation.at("sync"));
  begin(plan, std::move(operation));
  if (nothing) {
    finish(plan, "Error", "Invalid operation request: no operation specified");
    return false;
  }
  if (!plan.wanted) {
    finish(plan, "Error", text_of(plan.conditions));
    return false;
  }
  if (part.empty()) return true;
  finish(plan, "Failed", fmt::format("operation.sync.{} is not supported here: nothing was applied", part));
  return false;
}

bool ApplicationReconciler::begin_operation(Plan& plan, Again& again) const {
  if (!plan.application->at("operation").is_null()) return begin_as_asked(plan);
  if (!plan.wanted) return false;
  const auto began = begin_by_itself(plan, again);
  if (!began) plan.conditions.emplace_back("InvalidSpecError", began.error().to_string());
  return began && *began;
}

/// Whether a failed attempt's wait is over; the next one begins anew then.
bool ApplicationReconciler::ready_to_retry(Plan& plan, Again& again) const {
  const auto failed = parse_time(plan.operation.at("finishedAt").str());
  if (!failed) return true;
  const auto retry = ApplicationRetry::of(plan.operation.at("operation", "retry"));
  if (!retry) {
    finish(plan, "Error", retry.error().message);
    return false;
  }
  const std::int64_t attempt = plan.operation.at("retryCount").int_or(1);
  const Time due = *failed + retry->delay(attempt);
  if (const Time now = api_.clock().now(); now < due) {
    again = Again::in(due - now);
    return false;
  }
  Value operation = plan.operation.at("operation");
  if (retry->refresh) operation["sync"].erase("revision");
  const Value before = std::exchange(plan.operation, Value());
  if (plan.wanted) {
    begin(plan, std::move(operation));
  } else {
    plan.operation = before;
    plan.operation.erase("finishedAt");
    plan.operation.make("syncResult").set("resources", Value::array());
  }
  plan.operation.set("startedAt", before.at("startedAt")).set("retryCount", attempt);
  plan.operation.set("message", fmt::format("Retrying operation{}. Attempt #{}",
                                            retry->refresh ? " with latest revisions" : "", attempt));
  return true;
}

Again ApplicationReconciler::operate(Plan& plan) {
  Again again = Again::in(kApplicationResync);
  if (!plan.in_progress() && !begin_operation(plan, again)) return again;
  const auto started = parse_time(plan.operation.at("startedAt").str());
  const bool manual = !plan.operation.at("operation", "initiatedBy", "automated").bool_or(false);
  if (plan.phase() == "Terminating") {
    memory_[plan.application->key()].rest.reset();
    finish(plan, "Failed", "Operation terminated");
  } else if (ready_to_retry(plan, again) && plan.in_progress()) {
    const bool blocked =
        plan.project != nullptr && !permitted_now(plan, manual, started ? std::optional(*started) : std::nullopt);
    again = blocked ? Again::in(kSyncPoll) : go_on(plan);
  }
  warn_of_waiting(plan);
  return again;
}

Again ApplicationReconciler::go_on(Plan& plan) {
  const api::Key key = plan.application->key();
  Memory& memory = memory_[key];
  const Time now = api_.clock().now();
  if (memory.rest && now < *memory.rest) return Again::in(*memory.rest - now);
  if (!plan.wanted) {
    fail_attempt(plan, "Error", text_of(plan.conditions));
    return Again::in(kSyncPoll);
  }
  std::optional<Comparison> other;
  if (plan.attempted()) {
    memory.operated = {};
  } else {
    const Value source = plan.synced().at("source");
    const auto* answer = fetch(key, &Memory::operated, source, plan.synced().at("revision").str());
    if (answer == nullptr) return Again::when_changed();
    other = compare(plan, *answer);
    if (!other->revision.empty()) plan.operation["syncResult"].set("revision", other->revision);
  }
  Comparison& operated = other ? *other : *plan.wanted;
  if (const std::string errors = text_of(operated.conditions); !errors.empty()) {
    memory.operated = {};  // The next attempt asks again.
    fail_attempt(plan, "Error", errors);
    return Again::in(kSyncPoll);
  }
  const auto shared = std::ranges::find(operated.conditions, "SharedResourceWarning", &ApplicationCondition::first);
  if (shared != operated.conditions.end() &&
      has_option(plan.operation.at("operation", "sync", "syncOptions"), "FailOnSharedResource=true")) {
    fail_attempt(plan, "Failed", "Shared resource found: " + shared->second);
    return Again::in(kSyncPoll);
  }
  const SyncOutcome outcome =
      ApplicationSync(api_, *plan.application, *plan.project, operated.items, plan.operation, between_waves_).step();
  memory.rest = outcome.rest > Duration(0) ? std::optional(now + outcome.rest) : std::nullopt;
  if (outcome.phase == "Running") {
    plan.operation.set("message", outcome.message);
  } else if (outcome.phase == "Succeeded") {
    finish(plan, outcome.phase, outcome.message);
  } else {
    fail_attempt(plan, outcome.phase, outcome.message);
  }
  // The step has changed what is live.
  const Value& source = plan.spec().at("source");
  if (const auto* answer = fetch(key, &Memory::wanted, source, source.at("targetRevision").str()))
    plan.wanted = compare(plan, *answer);
  return Again::in(memory.rest ? outcome.rest : kSyncPoll);
}

/// Another attempt is due after a while, unless this was the last. Upstream's message names a moment that is too early
/// by half: it reckons before it counts this failure, and waits by what it reckons afterwards.
void ApplicationReconciler::fail_attempt(Plan& plan, std::string_view phase, const std::string& message) const {
  const std::int64_t retries = plan.operation.at("retryCount").int_or(0);
  const auto retry = ApplicationRetry::of(plan.operation.at("operation", "retry"));
  if (!retry) return finish(plan, "Error", fmt::format("{} (failed to retry: {})", message, retry.error().message));
  if (!retry->allows(retries + 1)) {
    return finish(plan, phase, retries > 0 ? fmt::format("{} (retried {} times).", message, retries) : message);
  }
  const Time next = api_.clock().now() + retry->delay(retries + 1);
  plan.operation.set("retryCount", retries + 1);
  finish(plan, "Running", fmt::format("{}. Retrying attempt #{} at {}.", message, retries + 1, format_time(next)));
}

void ApplicationReconciler::finish(Plan& plan, std::string_view phase, std::string message) const {
  plan.operation.set("phase", phase).set("message", std::move(message));
  plan.operation.set("finishedAt", format_time(api_.clock().now()));
  plan.taken = plan.taken || phase != "Running";
}

/// As upstream, an operation goes on with the commit that it began with, and what is asked for meanwhile is dropped
/// when it ends: easily missed by somebody who has just pushed what puts it right.
void ApplicationReconciler::warn_of_waiting(Plan& plan) const {
  if (!plan.in_progress() || !plan.wanted) return;
  const std::string end = fmt::format(
      "To end it now: kubectl patch application {} -n {} --type merge -p "
      "'{{\"status\":{{\"operationState\":{{\"phase\":\"Terminating\"}}}}}}'",
      plan.application->name(), plan.application->ns());
  const std::string_view revision = plan.synced().at("revision").str();
  if (plan.is_automated() && !plan.attempted()) {
    const bool refresh = plan.operation.at("operation", "retry", "refresh").bool_or(false);
    const bool retries = !plan.operation.at("finishedAt").is_null();
    plan.conditions.emplace_back(
        "NewerRevisionWarning",
        fmt::format("{} waits for the end of the sync to {}{}. {}",
                    plan.wanted->revision == revision ? "the new spec.source" : plan.wanted->revision, revision,
                    !retries  ? fmt::format(" ({})", plan.operation.at("message").str())
                    : refresh ? " or for its next attempt, which takes the newest commit"
                              : " and of all its attempts, since spec.syncPolicy.retry.refresh is not true",
                    end));
  }
  if (!plan.taken && !plan.application->at("operation").is_null()) {
    plan.conditions.emplace_back("OperationDroppedWarning",
                                 fmt::format("the operation that was asked for will not begin: the sync to {} is in "
                                             "progress. {}",
                                             revision, end));
  }
}

}  // namespace fairlead::control
