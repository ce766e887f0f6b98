// How one task of a sync changes the cluster.
#include <algorithm>

#include "engine/control/application_options.h"
#include "engine/control/application_sync.h"

namespace fairlead::control {
namespace {

/// What the API says of an object, at the line of the first finding that has one, else where the object begins.
std::string refusal(const ApplicationItem& item, const api::Status& status) {
  const auto found = std::ranges::find_if(status.causes, [](const api::FieldError& cause) { return cause.line > 0; });
  if (found == status.causes.end()) return item.target.error(status.message, item.file).to_string();
  return Error{status.message, item.file, found->line, found->column}.to_string();
}

api::Propagation propagation(const Value& options) {
  const auto policy = option_value(options, "PrunePropagationPolicy");
  if (policy == "background") return api::Propagation::kBackground;
  return policy == "orphan" ? api::Propagation::kOrphan : api::Propagation::kForeground;
}

}  // namespace

void ApplicationSync::prune(SyncTask& task) {
  const Value& options = asked().at("syncOptions");
  const api::ObjectPtr& live = task.item->live;
  if (!asked().at("prune").bool_or(false))
    return record(task, "PruneSkipped", "Succeeded", "ignored (requires pruning)");
  if (pruning_of(live->tree(), options) == Removal::kNo)
    return record(task, "PruneSkipped", "Succeeded", "ignored (no prune)");
  if (!live->deleting()) {
    const auto removed = api_.remove(task.item->key, {.propagation = propagation(options)});
    if (!removed && !removed.error().not_found()) return record(task, "SyncFailed", "Failed", removed.error().message);
  }
  record(task, "Pruned", "Succeeded", "pruned");
}

void ApplicationSync::apply(SyncTask& task) {
  std::string_view verb = "unchanged";
  const std::string error = write(*task.item, verb);
  if (!error.empty()) return record(task, "SyncFailed", "Failed", error);
  record(task, "Synced", "Running", fmt::format("{} {}", task.item->key.to_string(), verb));
}

/// What went wrong, or nothing; `verb` is what happened to the object.
std::string ApplicationSync::write(const ApplicationItem& item, std::string_view& verb) {
  if (!item.error.empty()) return item.error;
  if (item.resource == nullptr) {
    return item.target
        .error(fmt::format("no matches for kind {} in {}", item.kind, item.target.at("apiVersion").str()), item.file)
        .to_string();
  }
  const Value target = with_last_applied(item.target);
  if (item.live == nullptr) {
    verb = "created";
    const auto created = api_.create(*item.resource, item.key.ns, target);
    return created ? "" : refusal(item, created.error());
  }
  auto merged = three_way_merge(api_.schema(), item.live->resource(), item.live->tree(), target);
  if (!merged) return merged.error().to_string();
  if (option("RespectIgnoreDifferences=true")) {
    for (const FieldPath* path : item.ignored) path->copy(item.live->tree(), *merged);
  }
  const auto updated = api_.update(item.key, std::move(*merged), api::Subresource::kNone);
  if (!updated) return refusal(item, updated.error());
  if ((*updated)->revision() != item.live->revision()) verb = "configured";
  return {};
}

}  // namespace fairlead::control
