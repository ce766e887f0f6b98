// Argo CD's Application: objects in Git become objects here, and stay as Git has them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/control/application_diff.h"
#include "engine/control/application_health.h"
#include "engine/control/reconciler.h"
#include "engine/seam/source.h"

namespace fairlead::control {

inline constexpr Duration kApplicationResync = std::chrono::minutes(3);  ///< Argo CD's timeout.reconciliation.
inline constexpr std::string_view kTrackingId = "argocd.argoproj.io/tracking-id";

/// One object that an Application has in Git, in the cluster, or in both.
struct ApplicationItem {
  const api::Resource* resource = nullptr;
  api::Key key;
  std::string file;     ///< Where Git has it.
  Value target;         ///< Null when Git no longer has it: to be pruned.
  api::ObjectPtr live;  ///< Null when it is missing.
  std::vector<const FieldPath*> ignored;
  bool synced = false;
  bool extraneous = false;  ///< Git does not have it, and it says that this does not matter.
  std::int64_t wave = 0;
  std::string error;  ///< Why it cannot be applied.
  Health health;
};

/// Semantics of argo-cd v3: automated sync with prune and selfHeal, sync waves, three-way diff with ignoreDifferences
/// and RespectIgnoreDifferences, annotation tracking. Plain manifests only: Helm, Kustomize, several sources and hooks
/// are errors on the Application that say so.
class ApplicationReconciler final : public Reconciler {
 public:
  /// `manager` is woken when `source` has answered; all three must outlive this object.
  ApplicationReconciler(api::Api& api, Manager& manager, seam::Source& source);

  [[nodiscard]] std::string_view name() const override { return "application"; }
  void observe(const api::Event& event, Queue& queue) override;
  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override;

 private:
  /// What Git said last, or that it has been asked.
  struct Fetched {
    seam::SourceRequest request;
    std::optional<Result<seam::Manifests>> answer;
    bool asked = false;
    bool stale = true;
  };
  struct Plan;

  [[nodiscard]] bool fetch(const api::Object& application);
  [[nodiscard]] Result<> compare(Plan& plan);
  [[nodiscard]] Result<ApplicationItem> item_of(const Plan& plan, const seam::Manifest& manifest) const;
  void add_prunable(Plan& plan) const;
  void judge(Plan& plan, ApplicationItem& item) const;
  [[nodiscard]] Again sync(Plan& plan);
  // application_operation.cc: whether an operation begins.
  [[nodiscard]] bool start_operation(Plan& plan, Again& again) const;
  [[nodiscard]] Result<bool> begin_by_itself(Plan& plan, Again& again) const;
  [[nodiscard]] bool begin_as_asked(Plan& plan) const;
  void begin(Plan& plan, Value operation) const;
  [[nodiscard]] bool apply_wave(Plan& plan, std::int64_t wave);
  [[nodiscard]] std::string apply(const Plan& plan, const ApplicationItem& item);
  /// How long to wait before the operation goes on; nothing when it is over.
  [[nodiscard]] std::optional<Again> prune(Plan& plan);
  void fail_attempt(Plan& plan, const std::string& message) const;
  void finish(Plan& plan, std::string_view phase, std::string message) const;
  void write_status(Plan& plan);
  [[nodiscard]] Result<Again> tear_down(const api::Object& application);

  api::Api& api_;
  Manager& manager_;
  seam::Source& source_;
  const api::Resource& applications_;
  const api::Resource& projects_;
  std::map<api::Key, Fetched> fetched_;
  std::map<std::string, std::set<api::Key>> tracked_;  ///< Application name to the objects that name it.
};

}  // namespace fairlead::control
