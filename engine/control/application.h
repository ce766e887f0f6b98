// Argo CD's Application: objects in Git become objects here, and stay as Git has them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/control/application_item.h"
#include "engine/control/reconciler.h"
#include "engine/seam/source.h"

namespace fairlead::control {

/// Argo CD's timeout.reconciliation. What Git holds is asked for again then only where it could not be read: of changes
/// the source tells.
inline constexpr Duration kApplicationResync = std::chrono::minutes(3);

/// Semantics of argo-cd v3: automated sync with prune and selfHeal, sync waves, three-way diff with ignoreDifferences
/// and RespectIgnoreDifferences, annotation tracking. Plain manifests only: Helm, Kustomize, several sources and hooks
/// are errors on the Application that say so.
class ApplicationReconciler final : public Reconciler {
 public:
  /// `manager` is woken when `source` has answered; all three must outlive this object. `between_waves`: see Seams.
  ApplicationReconciler(api::Api& api, Manager& manager, seam::Source& source, Duration between_waves);

  [[nodiscard]] std::string_view name() const override { return "application"; }
  void observe(const api::Event& event, Queue& queue) override;
  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override;

 private:
  /// What Git said last, or that it has been asked.
  struct Fetched {
    seam::SourceRequest request;
    std::optional<Result<seam::Manifests>> answer;
    Time answered;
    bool asked = false;
    bool stale = true;
  };
  /// What is kept of an Application between looks. All of it is found again after a restart: a wave then rests less.
  struct Memory {
    Fetched wanted;            ///< Of the revision that spec names.
    Fetched operated;          ///< Of the commit that an operation began with, where that is another one.
    std::optional<Time> rest;  ///< Until then the operation does nothing.
  };
  struct Comparison;
  struct Plan;

  // application.cc: what spec says, and what Git holds.
  void check_spec(Plan& plan) const;
  [[nodiscard]] const Result<seam::Manifests>* fetch(const api::Key& key, Fetched Memory::* slot, const Value& source,
                                                     std::string_view revision);

  // application_compare.cc: what Git holds beside what is live.
  [[nodiscard]] Comparison compare(const Plan& plan, const Result<seam::Manifests>& answer) const;
  [[nodiscard]] Result<> add_targets(const Plan& plan, const std::vector<seam::Manifest>& manifests,
                                     Comparison& out) const;
  [[nodiscard]] Result<ApplicationItem> item_of(const Plan& plan, const seam::Manifest& manifest) const;
  void judge(const Plan& plan, ApplicationItem& item, Comparison& out) const;
  void add_prunable(const Plan& plan, Comparison& out) const;

  // application_operation.cc: whether an operation begins, goes on, is tried again or is over.
  [[nodiscard]] Again operate(Plan& plan);
  [[nodiscard]] bool begin_operation(Plan& plan, Again& again) const;
  [[nodiscard]] Result<bool> begin_by_itself(Plan& plan, Again& again) const;
  [[nodiscard]] bool begin_as_asked(Plan& plan) const;
  void begin(Plan& plan, Value operation) const;
  [[nodiscard]] bool permitted_now(Plan& plan, bool manual, std::optional<Time> started) const;
  [[nodiscard]] bool ready_to_retry(Plan& plan, Again& again) const;
  [[nodiscard]] Again go_on(Plan& plan);
  void fail_attempt(Plan& plan, std::string_view phase, const std::string& message) const;
  void finish(Plan& plan, std::string_view phase, std::string message) const;
  void warn_of_waiting(Plan& plan) const;

  // application_status.cc
  [[nodiscard]] Result<> write_status(Plan& plan);
  void set_status(Plan& plan, Value& object) const;

  // application_deletion.cc: what becomes of the objects of an Application that goes.
  [[nodiscard]] Result<Again> tear_down(const api::Object& application);
  [[nodiscard]] Result<> release(const api::Object& application);
  [[nodiscard]] Result<Again> wait_for_project(const api::Object& application, std::string_view project);
  [[nodiscard]] std::vector<api::ObjectPtr> owned(const api::Object& application, const api::Object& project) const;

  api::Api& api_;
  Manager& manager_;
  seam::Source& source_;
  const Duration between_waves_;
  const api::Resource& applications_;
  const api::Resource& projects_;
  std::map<api::Key, Memory> memory_;
  std::map<std::string, std::set<api::Key>> named_;    ///< Application name to those of the name, in all namespaces.
  std::map<std::string, std::set<api::Key>> tracked_;  ///< Application name to the objects that name it.
};

/// What an Application of this name writes into an object.
[[nodiscard]] std::string tracking_id(std::string_view application, const ApplicationItem& item);
/// Whether the object's annotation is its own, and not one that was copied from another object.
[[nodiscard]] bool is_tracked_by(std::string_view application, const api::Object& object);
/// The Application's name in an object's annotation; empty where it has none.
[[nodiscard]] std::string_view tracker_of(const api::Object& object);

}  // namespace fairlead::control
