// The half of the Application reconciler that writes: operations, waves, pruning, and the status.
#include <algorithm>
#include <set>

#include "engine/control/application.h"
#include "engine/control/application_plan.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kRetryLimit = 5;
constexpr Duration kRetryBase = std::chrono::seconds(5);
constexpr Duration kRetryMax = std::chrono::minutes(3);
constexpr std::size_t kHistoryLimit = 10;

Duration retry_delay(std::int64_t retries) {
  Duration delay = kRetryBase;
  for (std::int64_t i = 0; i < retries && delay < kRetryMax; ++i) delay *= 2;
  return std::min(delay, kRetryMax);
}

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

bool option_of(const Value& object, std::string_view option) {
  const std::string_view all = object.at("metadata", "annotations", "argocd.argoproj.io/sync-options").str();
  return all.find(option) != std::string_view::npos;
}

}  // namespace

bool ApplicationReconciler::start_operation(Plan& plan, Again& again) const {
  const Time now = api_.clock().now();
  const auto later = [&](Time due) {
    if (now < due) again = Again::in(due - now);
    return now < due;
  };
  const bool manual = !plan.application->at("operation").is_null();
  const bool same_revision = plan.operation.at("syncResult", "revision").str() == plan.revision;
  const std::string_view phase = plan.operation.at("phase").str();
  const bool running =
      phase == "Running" && same_revision;  // Where Git moved on it starts over with what is there now.
  const auto finished = parse_time(plan.operation.at("finishedAt").str());
  if (running && !finished) return true;
  const std::int64_t retries = running && !manual ? plan.operation.at("retryCount").int_or(0) : 0;
  if (retries > 0) {
    if (later(*finished + retry_delay(retries - 1))) return false;
  } else if (!manual) {
    if (plan.automated().is_null() || !plan.automated().at("enabled").bool_or(true) || !plan.out_of_sync())
      return false;
    if (same_revision) {
      if (phase != "Succeeded" || !plan.automated().at("selfHeal").bool_or(false)) return false;
      if (later(finished.value_or(now) + kSelfHealDelay)) return false;
    }
  }
  plan.operation =
      Value::object({{"phase", "Running"},
                     {"message", "waiting for completion"},
                     {"startedAt", format_time(now)},
                     {"operation", Value::object({{"sync", Value::object({{"revision", plan.revision}})},
                                                  {"initiatedBy", Value::object({{"automated", !manual}})}})},
                     {"syncResult", Value::object({{"revision", plan.revision},
                                                   {"source", plan.spec().at("source")},
                                                   {"resources", Value::array()}})}});
  if (retries > 0) plan.operation.set("retryCount", retries);
  if (manual && plan.application->at("operation", "sync", "prune").bool_or(false)) {
    plan.operation.make("operation", "sync").set("prune", true);
  }
  return true;
}

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
    return created ? "" : fmt::format("{}: {}", item.file, created.error().message);
  }
  auto merged = three_way_merge(api_.schema(), item.live->resource(), item.live->tree(), target);
  if (!merged) return merged.error().to_string();
  if (plan.has_option("RespectIgnoreDifferences=true")) {
    for (const FieldPath* path : item.ignored) path->copy(item.live->tree(), *merged);
  }
  const auto updated = api_.update(item.key, std::move(*merged), api::Subresource::kNone);
  return updated ? "" : fmt::format("{}: {}", item.file, updated.error().message);
}

bool ApplicationReconciler::apply_wave(Plan& plan, std::int64_t wave) {
  for (ApplicationItem& item : plan.items) {
    if (item.wave != wave || item.target.is_null() || item.synced || result_of(plan.operation, item) != nullptr)
      continue;
    const bool created = item.live == nullptr;
    if (const std::string error = apply(plan, item); !error.empty()) {
      add_result(plan.operation, item, "SyncFailed", error);
      fail_attempt(plan, fmt::format("one or more objects failed to apply, reason: {}", error));
      return false;
    }
    add_result(plan.operation, item, "Synced",
               fmt::format("{} {}", item.key.to_string(), created ? "created" : "configured"));
    judge(plan, item);
  }
  return true;
}

bool ApplicationReconciler::prune(Plan& plan) {
  const bool wanted =
      plan.automated().at("prune").bool_or(false) || plan.operation.at("operation", "sync", "prune").bool_or(false);
  for (auto it = plan.items.rbegin(); it != plan.items.rend(); ++it) {
    const ApplicationItem& item = *it;
    if (!item.target.is_null() || result_of(plan.operation, item) != nullptr) continue;
    if (!wanted || option_of(item.live->tree(), "Prune=false")) {
      add_result(plan.operation, item, "PruneSkipped", "ignored (requires pruning)");
      continue;
    }
    api::DeleteOptions options;
    options.propagation = api::Propagation::kForeground;
    if (const auto removed = api_.remove(item.key, options); !removed && !removed.error().not_found()) {
      add_result(plan.operation, item, "SyncFailed", removed.error().message);
      fail_attempt(plan, removed.error().message);
      return false;
    }
    add_result(plan.operation, item, "Pruned", "pruned");
  }
  return true;
}

Again ApplicationReconciler::sync(Plan& plan) {
  Again again = Again::in(kApplicationResync);
  if (!start_operation(plan, again)) return again;
  std::set<std::int64_t> waves;
  for (const ApplicationItem& item : plan.items) {
    if (!item.target.is_null()) waves.insert(item.wave);
  }
  for (const std::int64_t wave : waves) {
    if (!apply_wave(plan, wave)) return Again::in(kRetryBase);
    if (wave == *waves.rbegin()) break;
    for (const ApplicationItem& item : plan.items) {
      if (item.wave != wave || item.target.is_null() || !item.health.assessed ||
          item.health.status == HealthStatus::kHealthy)
        continue;
      plan.operation.set("message", fmt::format("waiting for healthy state of {}", item.key.to_string()));
      return Again::in(std::chrono::seconds(1));
    }
  }
  if (!prune(plan)) return Again::in(kRetryBase);
  finish(plan, "Succeeded", "successfully synced (all tasks run)");
  return again;
}

/// Another attempt is due after a while, unless this was the last. Source: argo-cd controller/appcontroller.go,
/// processRequestedAppOperation.
void ApplicationReconciler::fail_attempt(Plan& plan, const std::string& message) const {
  const std::int64_t retries = plan.operation.at("retryCount").int_or(0);
  const bool automated = plan.operation.at("operation", "initiatedBy", "automated").bool_or(false);
  if (!automated || retries == kRetryLimit) return finish(plan, "Failed", message);
  const Time next = api_.clock().now() + retry_delay(retries);
  plan.operation.set("retryCount", retries + 1);
  finish(plan, "Running", fmt::format("{}. Retrying attempt #{} at {}.", message, retries + 1, format_time(next)));
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

void add_history(Value& status, const Value& operation, const Value& source) {
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
                                   {"source", source}}));
  if (history.size() > kHistoryLimit) history.mutable_items().erase(history.mutable_items().begin());
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
    if (plan.operation.at("phase").str() == "Succeeded") add_history(status, plan.operation, plan.spec().at("source"));
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
