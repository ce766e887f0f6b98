// One operation of an Application, carried on by one step at each look.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/api.h"
#include "engine/control/application_item.h"
#include "engine/control/application_tasks.h"

namespace fairlead::control {

/// How often an operation that waits looks again, should nothing happen. Source: appOperationMaxRequeueInterval.
inline constexpr Duration kSyncPoll = std::chrono::seconds(30);
/// How long a new CustomResourceDefinition is given to be established. Source: ensureCRDReady.
inline constexpr Duration kDefinitionPoll = std::chrono::milliseconds(100);

/// How far an operation is after a step.
struct SyncOutcome {
  std::string phase;  ///< "Running", "Succeeded", "Failed" or "Error".
  std::string message;
  Duration rest{0};  ///< While it runs: for how long nothing may be done, whatever happens.
};

/// Source: argo-cd gitops-engine/pkg/sync/sync_context.go.
class ApplicationSync {
 public:
  /// `operation` is status.operationState; what becomes of each object is kept in its syncResult. `items`: what the
  /// operation's commit holds, compared with what is live just now. `between_waves`: see Seams.
  ApplicationSync(api::Api& api, const api::Object& application, const api::Object& project,
                  std::vector<ApplicationItem>& items, Value& operation, Duration between_waves);

  /// Goes on as far as it can without waiting. To be called again until the phase is no longer "Running".
  [[nodiscard]] SyncOutcome step();

 private:
  using Tasks = std::vector<SyncTask*>;
  enum class Ran : std::uint8_t { kAll, kWaits, kFailed };

  [[nodiscard]] bool concerns(const ApplicationItem& item) const;
  void collect();
  void add_namespace();
  void recall();
  [[nodiscard]] std::optional<SyncOutcome> check();
  [[nodiscard]] std::string objection(const SyncTask& task) const;
  void look_at_running();
  [[nodiscard]] bool to_do(const SyncTask& task) const;
  [[nodiscard]] std::optional<SyncOutcome> wait_for_running();
  [[nodiscard]] SyncOutcome run_wave(const Tasks& pending);
  [[nodiscard]] Ran run(const Tasks& tasks);
  [[nodiscard]] bool waits_for_confirmation(const SyncTask& task) const;
  void prune(SyncTask& task);
  void apply(SyncTask& task);
  [[nodiscard]] std::string write(const ApplicationItem& item, std::string_view& verb);
  void record(SyncTask& task, std::string_view status, std::string_view state, std::string_view message);
  [[nodiscard]] SyncOutcome waiting(const Tasks& tasks, bool deletion) const;
  [[nodiscard]] SyncOutcome failed(std::string_view message) const;
  [[nodiscard]] bool option(std::string_view name) const;
  [[nodiscard]] const Value& asked() const { return operation_.at("operation", "sync"); }
  [[nodiscard]] std::string_view ns() const { return application_.at("spec", "destination", "namespace").str(); }

  api::Api& api_;
  const api::Object& application_;
  const api::Object& project_;
  std::vector<ApplicationItem>& items_;
  Value& operation_;
  const Duration between_waves_;
  bool confirmed_ = false;  ///< Somebody has said that objects which ask for it may be pruned.
  std::optional<ApplicationItem> namespace_;
  std::vector<SyncTask> tasks_;
};

}  // namespace fairlead::control
