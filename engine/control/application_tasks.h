// What a sync does, one object at a time, and in which order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/control/application_item.h"

namespace fairlead::control {

enum class SyncPhase : std::uint8_t { kPreSync, kSync };
[[nodiscard]] std::string_view to_string(SyncPhase phase);

/// One object to apply or to prune, and how far that has come. Source: argo-cd gitops-engine/pkg/sync/sync_task.go.
struct SyncTask {
  ApplicationItem* item = nullptr;  ///< Not owned.
  SyncPhase phase = SyncPhase::kSync;
  std::int64_t wave = 0;
  std::string status{};  ///< "Synced", "SyncFailed", "Pruned" or "PruneSkipped".
  std::string state{};   ///< "Running", "Succeeded", "Failed" or "Error"; empty while it is still to be done.
  std::string message{};

  [[nodiscard]] bool prunes() const { return item->target.is_null(); }
  [[nodiscard]] bool pending() const { return state.empty(); }
  [[nodiscard]] bool running() const { return state == "Running"; }
  [[nodiscard]] bool failed() const { return state == "Failed" || state == "Error"; }
  [[nodiscard]] bool together_with(const SyncTask& other) const { return phase == other.phase && wave == other.wave; }
};

/// Gives every task its wave and sorts by phase, wave, kind and name. What is pruned goes in the opposite order of the
/// waves in which it came, with `prune_last` behind everything else. A Namespace moves in front of the first task that
/// is in it, a CustomResourceDefinition in front of the first object of its kind. `ns`: the Application's namespace.
/// Source: argo-cd gitops-engine/pkg/sync/sync_context.go (getSyncTasks), sync_tasks.go (Sort, adjustDeps).
void order_tasks(std::vector<SyncTask>& tasks, bool prune_last, std::string_view ns);

/// Whether `object` is a CustomResourceDefinition, and the one that brings this kind.
[[nodiscard]] bool is_definition(const Value& object);
[[nodiscard]] bool defines(const Value& object, std::string_view group, std::string_view kind);

}  // namespace fairlead::control
