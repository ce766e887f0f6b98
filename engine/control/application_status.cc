// What an Application says of itself.
#include <algorithm>

#include "engine/control/application.h"
#include "engine/control/application_options.h"
#include "engine/control/application_plan.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kHistoryLimit = 10;  ///< spec.revisionHistoryLimit where it is left out.

std::string_view sync_word(const ApplicationItem& item, bool comparable) {
  if (!comparable || !item.permitted) return "Unknown";
  return item.synced ? "Synced" : "OutOfSync";
}

Value status_resources(const std::vector<ApplicationItem>& items, const Value& application, bool comparable) {
  Value out = Value::array();
  for (const ApplicationItem& item : items) {
    Value entry = Value::object();
    if (!item.group.empty()) entry.set("group", item.group);
    entry.set("version", item.version).set("kind", item.kind);
    if (!item.key.ns.empty()) entry.set("namespace", item.key.ns);
    entry.set("name", item.key.name).set("status", sync_word(item, comparable));
    if (item.health.assessed) {
      Value health = Value::object({{"status", to_string(item.health.status)}});
      if (!item.health.message.empty()) health.set("message", item.health.message);
      entry.set("health", std::move(health));
    }
    if (item.wave != 0) entry.set("syncWave", item.wave);
    if (item.target.is_null()) entry.set("requiresPruning", true);
    if (asks_for_confirmation(item.object(), application) ||
        (item.live != nullptr && asks_for_confirmation(item.live->tree(), application)))
      entry.set("requiresDeletionConfirmation", true);
    out.push_back(std::move(entry));
  }
  return out;
}

/// What is missing does not count, unless nothing is there at all: that it is missing is what OutOfSync says.
/// Source: argo-cd controller/health.go (setApplicationHealth).
Value worst_health(const std::vector<ApplicationItem>& items) {
  const ApplicationItem* worst = nullptr;
  bool live = false;
  for (const ApplicationItem& item : items) {
    if (item.live == nullptr) continue;
    live = true;
    if (!item.health.assessed || item.live->annotation("argocd.argoproj.io/ignore-healthcheck") == "true") continue;
    if (worst == nullptr || item.health.status > worst->health.status) worst = &item;
  }
  if (!live && !items.empty()) return Value::object({{"status", to_string(HealthStatus::kMissing)}});
  Value out = Value::object({{"status", to_string(worst == nullptr ? HealthStatus::kHealthy : worst->health.status)}});
  if (worst != nullptr && worst->health.status != HealthStatus::kHealthy && !worst->health.message.empty())
    out.set("message", fmt::format("{}/{}: {}", worst->kind, worst->key.name, worst->health.message));
  return out;
}

Value status_conditions(const Value& before, const std::vector<ApplicationCondition>& now, Time at) {
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

/// Whole deployments only: healing, and what is synced in part, puts back what was deployed already.
void add_history(Value& status, const Value& operation, const Value& spec) {
  if (!operation.at("operation", "sync", "resources").empty()) return;
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
                                   {"source", operation.at("syncResult", "source")}}));
  const auto limit =
      static_cast<std::size_t>(std::max<std::int64_t>(0, spec.at("revisionHistoryLimit").int_or(kHistoryLimit)));
  while (history.size() > limit) history.mutable_items().erase(history.mutable_items().begin());
}

}  // namespace

void ApplicationReconciler::set_status(Plan& plan, Value& object) const {
  Value& status = object["status"];
  if (plan.wanted) {
    const Comparison& wanted = *plan.wanted;
    const bool comparable = wanted.error.empty();
    Value compared =
        Value::object({{"source", plan.spec().at("source")}, {"destination", plan.spec().at("destination")}});
    if (const Value& ignored = plan.spec().at("ignoreDifferences"); !ignored.empty())
      compared.set("ignoreDifferences", ignored);
    status.set("resources", status_resources(wanted.items, plan.application->tree(), comparable));
    status.set("health", worst_health(wanted.items));
    Value& sync = status.make("sync");
    sync.set("status", !comparable ? "Unknown" : wanted.out_of_sync() ? "OutOfSync" : "Synced");
    sync.set("comparedTo", std::move(compared));
    if (!wanted.revision.empty()) sync.set("revision", wanted.revision);
  } else {
    status.make("sync").set("status", "Unknown");
    status.set("health", Value::object({{"status", "Unknown"}}));
  }
  status.set("sourceType", "Directory");
  if (!plan.operation.is_null()) status.set("operationState", plan.operation);
  if (plan.phase() == "Succeeded") add_history(status, plan.operation, plan.spec());
}

Result<> ApplicationReconciler::write_status(Plan& plan) {
  const Time now = api_.clock().now();
  std::vector<ApplicationCondition> conditions = plan.conditions;
  if (plan.wanted) std::ranges::copy(plan.wanted->conditions, std::back_inserter(conditions));
  const auto edit = [&](Value& object) {
    const Value before = object.at("status");
    set_status(plan, object);
    Value& status = object["status"];
    status.set("conditions", status_conditions(before.at("conditions"), conditions, now));
    if (conditions.empty()) status.erase("conditions");
    if (plan.taken) object.erase("operation");
    // Only a status that says something new is worth an event.
    if (!(status == before)) status.set("reconciledAt", format_time(now));
  };
  const auto written = api_.mutate(
      plan.application->key(), applications_.has_status ? api::Subresource::kStatus : api::Subresource::kNone, edit);
  // A missing Application was deleted in the meantime.
  if (!written && !written.error().not_found()) return fail("{}", written.error().message);
  return {};
}

}  // namespace fairlead::control
