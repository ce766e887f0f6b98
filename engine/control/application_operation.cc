// When an Application's operation begins by itself, and how often a failed one is tried again.
// Source: argo-cd controller/appcontroller.go (autoSync, selfHealRemainingBackoff), pkg/apis/application/v1alpha1/
// types.go (RetryStrategy).
#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/control/application.h"
#include "engine/control/application_plan.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kRetryLimit = 5;  ///< Of automated syncs where spec.syncPolicy.retry is left out.

/// spec.syncPolicy.retry, with what Argo CD takes for what is left out.
struct Retry {
  std::int64_t limit = 0;  ///< Negative: without end.
  Duration first = std::chrono::seconds(5);
  std::int64_t factor = 2;
  Duration most = std::chrono::minutes(3);

  [[nodiscard]] static Result<Retry> of(const Value& policy);
  [[nodiscard]] bool allows(std::int64_t retries) const { return limit < 0 || retries <= limit; }
  /// How long to wait before the first, second … retry.
  [[nodiscard]] Duration delay(std::int64_t retry) const {
    Duration out = first;
    for (std::int64_t i = 1; i < retry && out < most; ++i) out *= factor;
    return std::min(out, most);
  }
};

/// "10" is ten seconds.
Result<Duration> backoff_time(const Value& value, Duration otherwise) {
  const std::string_view text = value.str();
  if (text.empty()) return otherwise;
  std::int32_t seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec == std::errc() && end == text.data() + text.size()) return std::chrono::seconds(seconds);
  return parse_duration(text);
}

Result<Retry> Retry::of(const Value& policy) {
  Retry out;
  out.limit = policy.at("limit").int_or(0);
  const Value& backoff = policy.at("backoff");
  const auto first = backoff_time(backoff.at("duration"), out.first);
  if (!first) return fail("spec.syncPolicy.retry.backoff.duration: {}", first.error().message);
  const auto most = backoff_time(backoff.at("maxDuration"), out.most);
  if (!most) return fail("spec.syncPolicy.retry.backoff.maxDuration: {}", most.error().message);
  out.first = *first;
  if (*most > Duration(0)) out.most = *most;
  out.factor = std::max<std::int64_t>(1, backoff.at("factor").int_or(out.factor));
  return out;
}

/// How long the next self-heal waits after the one before. Upstream's flags: --self-heal-backoff-…-seconds.
Duration self_heal_delay(std::int64_t attempts) {
  constexpr Duration kFirst = std::chrono::seconds(2);
  constexpr Duration kMost = std::chrono::minutes(5);
  if (attempts == 0) return Duration(0);
  Duration out = kFirst;
  for (std::int64_t i = 1; i < attempts && out < kMost; ++i) out *= 3;
  return std::min(out, kMost);
}

/// An Application that stayed as it was for so long heals at once again.
constexpr Duration kSelfHealCooldown = std::chrono::seconds(330);

/// Whether an automated operation would change anything: what only waits to be pruned, and may not be, is no reason.
bool has_work(const std::vector<ApplicationItem>& items, const Value& application) {
  const bool prune = application.at("spec", "syncPolicy", "automated", "prune").bool_or(false);
  return std::ranges::any_of(items, [&](const ApplicationItem& item) {
    if (item.synced) return false;
    return !item.target.is_null() || (prune && removal_of(*item.live, application, "Prune") != Removal::kNo);
  });
}

/// Git holds nothing of what is here: more often a mistake than a wish.
bool wipes_out(const std::vector<ApplicationItem>& items, const Value& automated) {
  return automated.at("prune").bool_or(false) && !automated.at("allowEmpty").bool_or(false) &&
         std::ranges::all_of(items, [](const ApplicationItem& item) { return item.target.is_null(); });
}

/// What a sync that somebody asked for would leave aside; it would do something else than it was asked to.
std::string ignored_part(const Value& sync, std::string_view commit, std::string_view branch) {
  for (const char* part : {"dryRun", "resources", "manifests", "source", "sources", "revisions"}) {
    const Value& given = sync.at(part);
    if (given.is_bool() ? given.bool_or(false) : !given.empty()) return part;
  }
  const std::string_view revision = sync.at("revision").str();
  return revision.empty() || revision == commit || revision == branch ? "" : "revision";
}

/// The value of `option` in "Prune=confirm,Delete=false".
std::string_view value_in(std::string_view options, std::string_view option) {
  while (!options.empty()) {
    const auto comma = std::min(options.find(','), options.size());
    std::string_view one = options.substr(0, comma);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    if (one.starts_with(option) && one.substr(option.size()).starts_with('='))
      return one.substr(option.size() + 1, one.find(' ') - option.size() - 1);
    options.remove_prefix(std::min(comma + 1, options.size()));
  }
  return {};
}

}  // namespace

Removal removal_of(const api::Object& live, const Value& application, std::string_view option) {
  if (live.annotation("helm.sh/resource-policy").contains("keep") && option == "Delete") return Removal::kNo;
  std::string_view value = value_in(live.annotation("argocd.argoproj.io/sync-options"), option);
  for (const Value& each : application.at("spec", "syncPolicy", "syncOptions").items())
    if (value.empty()) value = value_in(each.str(), option);
  return value == "false" ? Removal::kNo : value == "confirm" ? Removal::kConfirm : Removal::kYes;
}

bool removal_approved(const api::Object& application, Time since) {
  const auto at = parse_time(application.annotation("argocd.argoproj.io/deletion-approved"));
  return at && *at >= since;
}

/// Whether an automated operation may begin now; it is put into the plan then, else `again` says when to look.
Result<bool> ApplicationReconciler::begin_by_itself(Plan& plan, Again& again) const {
  const Value& automated = plan.automated();
  if (automated.is_null() || !automated.at("enabled").bool_or(true) || !plan.out_of_sync() ||
      !has_work(plan.items, plan.application->tree()))
    return false;
  const Value& policy = plan.spec().at("syncPolicy", "retry");
  const Value retry = policy.is_null() ? Value::object({{"limit", kRetryLimit}}) : policy;
  if (const auto read = Retry::of(retry); !read) return std::unexpected(read.error());
  std::int64_t heals = 0;
  if (plan.attempted()) {
    if (plan.operation.at("phase").str() != "Succeeded" || !automated.at("selfHeal").bool_or(false)) return false;
    const Time now = api_.clock().now();
    const Time finished = parse_time(plan.operation.at("finishedAt").str()).value_or(now);
    if (now - finished < kSelfHealCooldown)
      heals = plan.operation.at("operation", "sync", "autoHealAttemptsCount").int_or(0);
    if (const Time due = finished + self_heal_delay(heals); now < due) {
      again = Again::in(due - now);
      return false;
    }
    ++heals;
  }
  if (wipes_out(plan.items, automated)) {
    plan.conditions.emplace_back("SyncError",
                                 fmt::format("Skipping sync attempt to {}: auto-sync will wipe out all resources; set "
                                             "spec.syncPolicy.automated.allowEmpty if that is wanted",
                                             plan.revision));
    return false;
  }
  Value sync = Value::object({{"revision", plan.revision}});
  if (automated.at("prune").bool_or(false)) sync.set("prune", true);
  if (heals > 0) sync.set("autoHealAttemptsCount", heals);
  begin(plan,
        Value::object(
            {{"sync", std::move(sync)}, {"initiatedBy", Value::object({{"automated", true}})}, {"retry", retry}}));
  return true;
}

void ApplicationReconciler::begin(Plan& plan, Value operation) const {
  const std::int64_t retries = plan.operation.at("retryCount").int_or(0);
  const bool again = plan.operation.at("phase").str() == "Running";
  plan.operation = Value::object({{"phase", "Running"},
                                  {"message", "waiting for completion"},
                                  {"startedAt", format_time(api_.clock().now())},
                                  {"operation", std::move(operation)},
                                  {"syncResult", Value::object({{"revision", plan.revision},
                                                                {"source", plan.spec().at("source")},
                                                                {"resources", Value::array()}})}});
  if (again && retries > 0) plan.operation.set("retryCount", retries);
}

/// An operation that somebody wrote into the Application's neighbour of spec. False when it cannot be done as asked.
bool ApplicationReconciler::begin_as_asked(Plan& plan) const {
  const Value& asked = plan.application->at("operation");
  Value sync = Value::object({{"revision", plan.revision}});
  if (asked.at("sync", "prune").bool_or(false)) sync.set("prune", true);
  Value operation = Value::object({{"sync", std::move(sync)}, {"initiatedBy", Value::object({{"automated", false}})}});
  if (asked.has("retry")) operation.set("retry", asked.at("retry"));
  plan.operation = Value();
  begin(plan, std::move(operation));
  const std::string part =
      ignored_part(asked.at("sync"), plan.revision, plan.spec().at("source", "targetRevision").str());
  if (part.empty()) return true;
  finish(plan, "Failed", fmt::format("operation.sync.{} is not supported here: nothing was applied", part));
  return false;
}

bool ApplicationReconciler::start_operation(Plan& plan, Again& again) const {
  if (!plan.application->at("operation").is_null()) return begin_as_asked(plan);
  const bool running = plan.operation.at("phase").str() == "Running";
  if (running && plan.attempted()) {
    const auto failed = parse_time(plan.operation.at("finishedAt").str());
    if (!failed) return true;
    const auto retry = Retry::of(plan.operation.at("operation", "retry"));
    const Time due = *failed + (retry ? retry->delay(plan.operation.at("retryCount").int_or(1)) : Duration(0));
    if (const Time now = api_.clock().now(); now < due) {
      again = Again::in(due - now);
      return false;
    }
    begin(plan, plan.operation.at("operation"));
    return true;
  }
  // Where Git moved on it starts over with what is there now.
  const Value left = std::exchange(plan.operation, running ? Value() : plan.operation);
  const auto began = begin_by_itself(plan, again);
  if (began && *began) return true;
  if (!began) plan.conditions.emplace_back("InvalidSpecError", began.error().to_string());
  if (running) {
    plan.operation = left;
    finish(plan, "Failed", fmt::format("{} came before this commit was wholly applied", plan.revision));
  }
  return false;
}

/// Another attempt is due after a while, unless this was the last. Source: argo-cd controller/appcontroller.go,
/// processRequestedAppOperation.
void ApplicationReconciler::fail_attempt(Plan& plan, const std::string& message) const {
  const std::int64_t retries = plan.operation.at("retryCount").int_or(0);
  const auto retry = Retry::of(plan.operation.at("operation", "retry"));
  if (!retry || !retry->allows(retries + 1)) return finish(plan, "Failed", message);
  const Time next = api_.clock().now() + retry->delay(retries + 1);
  plan.operation.set("retryCount", retries + 1);
  finish(plan, "Running", fmt::format("{}. Retrying attempt #{} at {}.", message, retries + 1, format_time(next)));
}

}  // namespace fairlead::control
