#include "engine/control/application_sync.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/ranges.h>

#include "engine/control/application_options.h"
#include "engine/control/application_project.h"

namespace fairlead::control {
namespace {

bool is_result_of(const Value& result, const SyncTask& task) {
  const ApplicationItem& item = *task.item;
  return result.at("group").str() == item.group && result.at("kind").str() == item.kind &&
         result.at("namespace").str() == item.key.ns && result.at("name").str() == item.key.name &&
         result.at("syncPhase").str() == to_string(task.phase);
}

SyncOutcome running(std::string message, Duration rest = Duration(0)) { return {"Running", std::move(message), rest}; }

}  // namespace

ApplicationSync::ApplicationSync(api::Api& api, const api::Object& application, const api::Object& project,
                                 std::vector<ApplicationItem>& items, Value& operation, Duration between_waves)
    : api_(api),
      application_(application),
      project_(project),
      items_(items),
      operation_(operation),
      between_waves_(between_waves) {
  const Time since = parse_time(operation_.at("startedAt").str()).value_or(Time());
  confirmed_ = removal_approved(application_, since);
}

bool ApplicationSync::option(std::string_view name) const { return has_option(asked().at("syncOptions"), name); }

/// An operation may be of some objects only, as those that heal are. Source: ContainsSyncResource, HasIdentity.
bool ApplicationSync::concerns(const ApplicationItem& item) const {
  const Value& some = asked().at("resources");
  return some.empty() || std::ranges::any_of(some.items(), [&](const Value& r) {
           const std::string_view in = r.at("namespace").str();
           return r.at("group").str() == item.group && r.at("kind").str() == item.kind &&
                  r.at("name").str() == item.key.name && (in.empty() || in == item.key.ns);
         });
}

void ApplicationSync::collect() {
  for (ApplicationItem& item : items_)
    if (concerns(item)) tasks_.push_back({.item = &item});
  if (option("CreateNamespace=true")) add_namespace();
  order_tasks(tasks_, option("PruneLast=true"), ns());
  recall();
}

/// Of the Application's own namespace alone, and only where Git does not hold it. Source: autoCreateNamespace.
void ApplicationSync::add_namespace() {
  const auto is_it = [&](const ApplicationItem& item) {
    return item.group.empty() && item.kind == "Namespace" && item.key.name == ns() && !item.target.is_null();
  };
  const api::Resource& namespaces = api_.schema().resource("", "namespaces");
  if (ns().empty() || std::ranges::any_of(items_, is_it) || api_.get(namespaces, "", ns()) != nullptr) return;
  ApplicationItem& item = namespace_.emplace();
  item.version = "v1";
  item.kind = "Namespace";
  item.resource = &namespaces;
  item.key = {&namespaces, "", std::string(ns())};
  item.target = Value::object(
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", Value::object({{"name", item.key.name}})}});
  tasks_.push_back({.item = &item, .phase = SyncPhase::kPreSync});
}

void ApplicationSync::recall() {
  for (SyncTask& task : tasks_) {
    for (const Value& result : operation_.at("syncResult", "resources").items()) {
      if (!is_result_of(result, task)) continue;
      task.status = result.at("status").str();
      task.state = result.at("hookPhase").str();
      task.message = result.at("message").str();
    }
  }
}

std::string ApplicationSync::objection(const SyncTask& task) const {
  const ApplicationItem& item = *task.item;
  if (item.resource == nullptr) {
    const bool comes = std::ranges::any_of(items_, [&](const ApplicationItem& other) {
      return !other.target.is_null() && defines(other.target, item.group, item.kind);
    });
    constexpr std::string_view kSkip = "SkipDryRunOnMissingResource=true";
    if (comes || option(kSkip) || annotation_has(item.target, kSyncOptions, kSkip)) return {};
    const std::string api_version = item.group.empty() ? item.version : item.group + "/" + item.version;
    return item.target
        .error(fmt::format("no kind {} in {}: is its CustomResourceDefinition missing?", item.kind, api_version),
               item.file)
        .to_string();
  }
  return forbidden_object(project_.tree(), {item.group, item.kind, item.key.ns, item.key.name}).value_or("");
}

/// Nothing is applied as long as one of the objects may not be.
std::optional<SyncOutcome> ApplicationSync::check() {
  std::set<std::string> messages;
  for (SyncTask& task : tasks_) {
    const std::string why = objection(task);
    if (why.empty()) continue;
    record(task, "SyncFailed", "", why);
    messages.insert(why);
  }
  if (messages.empty()) return std::nullopt;
  return SyncOutcome{"Failed",
                     fmt::format("one or more synchronization tasks are not valid: {}", fmt::join(messages, "; "))};
}

void ApplicationSync::look_at_running() {
  for (SyncTask& task : tasks_) {
    if (!task.running() || task.item->live == nullptr) continue;
    const Health& health = task.item->health;
    if (!health.assessed) {
      record(task, task.status, "Succeeded", task.message);
    } else if (health.status == HealthStatus::kHealthy) {
      record(task, task.status, "Succeeded", health.message);
    } else if (health.status == HealthStatus::kDegraded) {
      record(task, task.status, "Failed", health.message);
    }
  }
}

bool ApplicationSync::to_do(const SyncTask& task) const {
  const bool unchanged = !task.prunes() && task.item->live != nullptr && task.item->synced;
  return task.pending() && !(unchanged && option("ApplyOutOfSyncOnly=true"));
}

std::optional<SyncOutcome> ApplicationSync::wait_for_running() {
  if (tasks_.empty()) return std::nullopt;
  Tasks waits;
  Tasks going;
  for (SyncTask& task : tasks_) {
    if (task.status == "Pruned" && task.item->live != nullptr && task.item->live->deleting()) going.push_back(&task);
    if (!task.running() || tasks_.front().together_with(tasks_.back())) continue;
    // The rest of a wave that stopped for a new kind comes first.
    const auto rest = [&](const SyncTask& other) { return to_do(other) && other.together_with(task); };
    if (std::ranges::none_of(tasks_, rest)) waits.push_back(&task);
  }
  if (waits.empty()) return going.empty() ? std::nullopt : std::optional(waiting(going, true));
  for (SyncTask* task : waits) {
    const ApplicationItem& item = *task->item;
    if (item.live != nullptr || (item.resource != nullptr && api_.get(item.key) != nullptr)) continue;
    record(*task, "SyncFailed", "Error",
           fmt::format("Resource {} is missing, it might have been deleted", item.name()));
  }
  return waiting(waits, false);
}

SyncOutcome ApplicationSync::step() {
  const bool started = !operation_.at("syncResult", "resources").empty();
  collect();
  if (auto refused = check()) return *refused;
  if (!started && namespace_) {
    SyncTask& first = *std::ranges::find(tasks_, &*namespace_, &SyncTask::item);
    if (run({&first}) == Ran::kFailed) return failed("the namespace failed to apply");
  }
  look_at_running();
  if (auto wait = wait_for_running()) return *wait;
  if (std::ranges::any_of(tasks_, &SyncTask::failed))
    return failed("one or more synchronization tasks completed unsuccessfully");
  Tasks pending;
  for (SyncTask& task : tasks_)
    if (to_do(task)) pending.push_back(&task);
  if (pending.empty()) return {"Succeeded", "successfully synced (no more tasks)"};
  return run_wave(pending);
}

SyncOutcome ApplicationSync::run_wave(const Tasks& pending) {
  Tasks wave;
  std::ranges::copy_if(pending, std::back_inserter(wave),
                       [&](const SyncTask* task) { return task->together_with(*pending.front()); });
  const bool last = wave.size() == pending.size();
  switch (run(wave)) {
    case Ran::kFailed:
      return failed("one or more objects failed to apply");
    case Ran::kAll:
      // The last wave is not waited for: a sync without waves is what `kubectl apply` is.
      if (last) return {"Succeeded", "successfully synced (all tasks run)"};
      return running(waiting(wave, false).message, between_waves_);
    case Ran::kWaits:
      break;
  }
  Tasks held;
  std::ranges::copy_if(wave, std::back_inserter(held), [](const SyncTask* t) { return t->prunes() && t->pending(); });
  if (!held.empty()) return waiting(held, true);
  return running("waiting for new kinds to be established", kDefinitionPoll);
}

/// Pruning comes first. An object that is refused holds back none of the others of its wave.
ApplicationSync::Ran ApplicationSync::run(const Tasks& tasks) {
  if (std::ranges::any_of(tasks, [&](const SyncTask* task) { return waits_for_confirmation(*task); }))
    return Ran::kWaits;
  bool good = true;
  for (SyncTask* task : tasks) {
    if (!task->prunes()) continue;
    prune(*task);
    good = good && !task->failed();
  }
  if (!good) return Ran::kFailed;
  bool new_kinds = false;
  for (SyncTask* task : tasks) {
    if (task->prunes()) continue;
    if (task->item->resource == nullptr && new_kinds) return good ? Ran::kWaits : Ran::kFailed;
    apply(*task);
    good = good && !task->failed();
    new_kinds = new_kinds || is_definition(task->item->target);
  }
  return good ? Ran::kAll : Ran::kFailed;
}

/// As upstream, also where nothing may be pruned.
bool ApplicationSync::waits_for_confirmation(const SyncTask& task) const {
  return task.prunes() && !confirmed_ &&
         pruning_of(task.item->live->tree(), asked().at("syncOptions")) == Removal::kConfirm;
}

SyncOutcome ApplicationSync::waiting(const Tasks& tasks, bool deletion) const {
  std::string_view reason = deletion ? "deletion of" : "healthy state of";
  Tasks about = tasks;
  Tasks unconfirmed;
  std::ranges::copy_if(tasks, std::back_inserter(unconfirmed),
                       [&](const SyncTask* task) { return waits_for_confirmation(*task); });
  if (!unconfirmed.empty()) {
    reason = "pruning confirmation of";
    about = std::move(unconfirmed);
  }
  std::string message = fmt::format("waiting for {} {}", reason, about.front()->item->name());
  if (about.size() > 1) message += fmt::format(" and {} more resources", about.size() - 1);
  return running(std::move(message));
}

/// Says of which objects, and what they say; upstream leaves out those that came and then degraded.
SyncOutcome ApplicationSync::failed(std::string_view message) const {
  std::string out(message);
  std::string_view before = ", reason: ";
  for (const SyncTask& task : tasks_) {
    if (task.status != "SyncFailed" && !task.failed()) continue;
    const bool degraded = task.status != "SyncFailed";
    out += fmt::format("{}{}{}", before, degraded ? task.item->name() + " is degraded: " : "", task.message);
    before = ", ";
  }
  return {"Failed", std::move(out)};
}

void ApplicationSync::record(SyncTask& task, std::string_view status, std::string_view state,
                             std::string_view message) {
  const ApplicationItem& item = *task.item;
  task.status = status;
  task.state = state;
  if (!message.empty()) task.message = message;
  Value& results = operation_.make("syncResult", "resources");
  if (results.is_null()) results = Value::array();
  auto& list = results.mutable_items();
  auto it = std::ranges::find_if(list, [&](const Value& result) { return is_result_of(result, task); });
  if (it == list.end()) {
    // Group and namespace are required here, empty or not.
    list.push_back(Value::object({{"group", item.group},
                                  {"version", item.version},
                                  {"kind", item.kind},
                                  {"namespace", item.key.ns},
                                  {"name", item.key.name},
                                  {"syncPhase", to_string(task.phase)}}));
    it = std::prev(list.end());
  }
  it->set("status", task.status).set("message", task.message);
  if (state.empty()) {
    it->erase("hookPhase");
  } else {
    it->set("hookPhase", task.state);
  }
}

}  // namespace fairlead::control
