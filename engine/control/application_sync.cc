// The half of the Application reconciler that writes: operations, waves, pruning, and the status.
#include <algorithm>
#include <set>

#include "engine/control/application.h"
#include "engine/control/application_plan.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kHistoryLimit = 10;  ///< spec.revisionHistoryLimit where it is left out.
/// When to look at a failed operation again; start_operation knows whether it is tried again by then.
constexpr Duration kAfterFailure = std::chrono::seconds(1);

Value item_reference(const ApplicationItem& item) {
  Value out = Value::object();
  if (!item.resource->group.empty()) out.set("group", item.resource->group);
  out.set("version", item.resource->version).set("kind", item.resource->kind);
  if (!item.key.ns.empty()) out.set("namespace", item.key.ns);
  out.set("name", item.key.name);
  return out;
}

bool same_item(const Value& reference, const ApplicationItem& item) {
  return reference.at("group").str() == item.resource->group && reference.at("kind").str() == item.resource->kind &&
         reference.at("namespace").str() == item.key.ns && reference.at("name").str() == item.key.name;
}

/// The entry of one item in operationState.syncResult.resources; null when it was not touched by this operation.
const Value* result_of(const Value& operation, const ApplicationItem& item) {
  for (const Value& r : operation.at("syncResult", "resources").items()) {
    if (same_item(r, item)) return &r;
  }
  return nullptr;
}

void add_result(Value& operation, const ApplicationItem& item, std::string_view status, std::string_view message) {
  Value result = item_reference(item);
  result.set("group", item.resource->group).set("namespace", item.key.ns);  // Both are required here, empty or not.
  result.set("status", status).set("message", message).set("hookPhase", "Running").set("syncPhase", "Sync");
  operation.make("syncResult", "resources").push_back(std::move(result));
}

/// What the API says of an object, at the line of the first finding that has one, else where the object begins.
std::string refusal(const ApplicationItem& item, const api::Status& status) {
  const auto found = std::ranges::find_if(status.causes, [](const api::FieldError& cause) { return cause.line > 0; });
  if (found == status.causes.end()) return item.target.error(status.message, item.file).to_string();
  return Error{status.message, item.file, found->line, found->column}.to_string();
}

}  // namespace

std::string ApplicationReconciler::apply(const Plan& plan, const ApplicationItem& item) {
  if (!item.error.empty()) return item.error;
  const Value target = with_last_applied(item.target);
  if (item.live == nullptr) {
    if (!item.key.ns.empty() && plan.has_option("CreateNamespace=true")) {
      const api::Resource& namespaces = api_.schema().resource("", "namespaces");
      if (api_.get(namespaces, "", item.key.ns) == nullptr) {
        const auto made = api_.create(
            namespaces, "",
            Value::object(
                {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", Value::object({{"name", item.key.ns}})}}));
        if (!made) return made.error().message;
      }
    }
    const auto created = api_.create(*item.resource, item.key.ns, target);
    return created ? "" : refusal(item, created.error());
  }
  auto merged = three_way_merge(api_.schema(), item.live->resource(), item.live->tree(), target);
  if (!merged) return merged.error().to_string();
  if (plan.has_option("RespectIgnoreDifferences=true")) {
    for (const FieldPath* path : item.ignored) path->copy(item.live->tree(), *merged);
  }
  const auto updated = api_.update(item.key, std::move(*merged), api::Subresource::kNone);
  return updated ? "" : refusal(item, updated.error());
}

/// One object that is refused holds back none of the others of its wave.
bool ApplicationReconciler::apply_wave(Plan& plan, std::int64_t wave) {
  std::string failures;
  for (ApplicationItem& item : plan.items) {
    if (item.wave != wave || item.target.is_null() || item.synced || result_of(plan.operation, item) != nullptr)
      continue;
    const bool created = item.live == nullptr;
    if (const std::string error = apply(plan, item); !error.empty()) {
      add_result(plan.operation, item, "SyncFailed", error);
      failures += (failures.empty() ? "" : ", ") + error;
      continue;
    }
    add_result(plan.operation, item, "Synced",
               fmt::format("{} {}", item.key.to_string(), created ? "created" : "configured"));
    judge(plan, item);
  }
  if (failures.empty()) return true;
  fail_attempt(plan, fmt::format("one or more objects failed to apply, reason: {}", failures));
  return false;
}

std::optional<Again> ApplicationReconciler::prune(Plan& plan) {
  const bool wanted = plan.operation.at("operation", "sync", "prune").bool_or(false);
  const Time since = parse_time(plan.operation.at("startedAt").str()).value_or(Time());
  api::DeleteOptions how;
  how.propagation = plan.has_option("PrunePropagationPolicy=background") ? api::Propagation::kBackground
                    : plan.has_option("PrunePropagationPolicy=orphan")   ? api::Propagation::kOrphan
                                                                         : api::Propagation::kForeground;
  for (auto it = plan.items.rbegin(); it != plan.items.rend(); ++it) {
    const ApplicationItem& item = *it;
    if (!item.target.is_null() || result_of(plan.operation, item) != nullptr) continue;
    const Removal removal = removal_of(*item.live, plan.application->tree(), "Prune");
    if (!wanted || removal == Removal::kNo) {
      add_result(plan.operation, item, "PruneSkipped", wanted ? "ignored (no prune)" : "ignored (requires pruning)");
      continue;
    }
    if (removal == Removal::kConfirm && !removal_approved(*plan.application, since)) {
      plan.operation.set("message", fmt::format("waiting for pruning confirmation of {}", item.key.to_string()));
      return Again::in(kApplicationResync);
    }
    if (const auto removed = api_.remove(item.key, how); !removed && !removed.error().not_found()) {
      add_result(plan.operation, item, "SyncFailed", removed.error().message);
      fail_attempt(plan, removed.error().message);
      return Again::in(kAfterFailure);
    }
    add_result(plan.operation, item, "Pruned", "pruned");
  }
  return std::nullopt;
}

Again ApplicationReconciler::sync(Plan& plan) {
  Again again = Again::in(kApplicationResync);
  if (!start_operation(plan, again)) return again;
  std::set<std::int64_t> waves;
  for (const ApplicationItem& item : plan.items) {
    if (!item.target.is_null()) waves.insert(item.wave);
  }
  for (const std::int64_t wave : waves) {
    if (!apply_wave(plan, wave)) return Again::in(kAfterFailure);
    if (wave == *waves.rbegin()) break;
    for (const ApplicationItem& item : plan.items) {
      if (item.wave != wave || item.target.is_null() || !item.health.assessed ||
          item.health.status == HealthStatus::kHealthy)
        continue;
      plan.operation.set("message", fmt::format("waiting for healthy state of {}", item.key.to_string()));
      return Again::in(std::chrono::seconds(1));
    }
  }
  if (const auto wait = prune(plan)) return *wait;
  finish(plan, "Succeeded", "successfully synced (all tasks run)");
  return again;
}

void ApplicationReconciler::finish(Plan& plan, std::string_view phase, std::string message) const {
  plan.operation.set("phase", phase).set("message", std::move(message));
  plan.operation.set("finishedAt", format_time(api_.clock().now()));
}

namespace {

Value status_resources(const std::vector<ApplicationItem>& items) {
  Value out = Value::array();
  for (const ApplicationItem& item : items) {
    Value entry = item_reference(item);
    entry.set("status", item.synced ? "Synced" : "OutOfSync");
    if (item.health.assessed) {
      Value health = Value::object({{"status", to_string(item.health.status)}});
      if (!item.health.message.empty()) health.set("message", item.health.message);
      entry.set("health", std::move(health));
    }
    if (item.wave != 0) entry.set("syncWave", item.wave);
    if (item.target.is_null()) entry.set("requiresPruning", true);
    out.push_back(std::move(entry));
  }
  return out;
}

Value worst_health(const std::vector<ApplicationItem>& items) {
  const ApplicationItem* worst = nullptr;
  for (const ApplicationItem& item : items) {
    if (item.target.is_null() || !item.health.assessed) continue;
    if (worst == nullptr || item.health.status > worst->health.status) worst = &item;
  }
  Value out = Value::object({{"status", to_string(worst == nullptr ? HealthStatus::kHealthy : worst->health.status)}});
  if (worst != nullptr && !worst->health.message.empty()) {
    out.set("message", fmt::format("{}/{}: {}", worst->resource->kind, worst->key.name, worst->health.message));
  }
  return out;
}

Value status_conditions(const Value& before, const std::vector<std::pair<std::string, std::string>>& now, Time at) {
  Value out = Value::array();
  for (const auto& [type, message] : now) {
    std::string since = format_time(at);
    for (const Value& c : before.items()) {
      if (c.at("type").str() == type && c.at("message").str() == message)
        since = c.at("lastTransitionTime").string_or(since);
    }
    out.push_back(Value::object({{"type", type}, {"message", message}, {"lastTransitionTime", since}}));
  }
  return out;
}

/// Whole deployments only: healing puts back what was deployed already.
void add_history(Value& status, const Value& operation, const Value& spec) {
  if (operation.at("operation", "sync", "autoHealAttemptsCount").int_or(0) > 0) return;
  Value& history = status["history"];
  if (history.is_null()) history = Value::array();
  const Value& last = history.empty() ? Value() : history.items().back();
  if (last.at("deployStartedAt").str() == operation.at("startedAt").str() &&
      last.at("revision").str() == operation.at("syncResult", "revision").str())
    return;
  history.push_back(Value::object({{"id", last.at("id").int_or(-1) + 1},
                                   {"revision", operation.at("syncResult", "revision")},
                                   {"deployStartedAt", operation.at("startedAt")},
                                   {"deployedAt", operation.at("finishedAt")},
                                   {"source", spec.at("source")}}));
  const auto limit =
      static_cast<std::size_t>(std::max<std::int64_t>(0, spec.at("revisionHistoryLimit").int_or(kHistoryLimit)));
  while (history.size() > limit) history.mutable_items().erase(history.mutable_items().begin());
}

}  // namespace

void ApplicationReconciler::write_status(Plan& plan) {
  const Time now = api_.clock().now();
  if (plan.operation.at("phase").str() == "Failed" && plan.out_of_sync()) {
    plan.conditions.emplace_back("SyncError", std::string(plan.operation.at("message").str()));
  }
  const auto edit = [&](Value& object) {
    Value& status = object["status"];
    const Value before = status;
    if (plan.compared) {
      status.set("resources", status_resources(plan.items));
      status.set("health", worst_health(plan.items));
      status.set("sync",
                 Value::object({{"status", plan.out_of_sync() ? "OutOfSync" : "Synced"},
                                {"revision", plan.revision},
                                {"comparedTo", Value::object({{"source", plan.spec().at("source")},
                                                              {"destination", plan.spec().at("destination")}})}}));
    } else {
      status.make("sync").set("status", "Unknown");
      if (!plan.revision.empty()) status["sync"].set("revision", plan.revision);
      status.set("health", Value::object({{"status", "Unknown"}}));
    }
    status.set("sourceType", "Directory");
    if (!plan.operation.is_null()) status.set("operationState", plan.operation);
    if (plan.operation.at("phase").str() == "Succeeded") add_history(status, plan.operation, plan.spec());
    status.set("conditions", status_conditions(before.at("conditions"), plan.conditions, now));
    if (plan.conditions.empty()) status.erase("conditions");
    if (plan.compared) object.erase("operation");
    // Only a status that says something new is worth an event.
    if (!(status == before)) status.set("reconciledAt", format_time(now));
  };
  // A missing Application was deleted in the meantime; any other refusal shows at the next look.
  static_cast<void>(api_.mutate(plan.application->key(),
                                applications_.has_status ? api::Subresource::kStatus : api::Subresource::kNone, edit));
}

}  // namespace fairlead::control
