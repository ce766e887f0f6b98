// AnalysisRun: asks Prometheus as often as its metrics say and decides.
// Source: argo-rollouts/analysis/analysis.go, analysis/controller.go.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/control/analysis_status.h"
#include "engine/control/event_recorder.h"
#include "engine/control/reconciler.h"
#include "engine/control/resume_gate.h"
#include "engine/seam/metrics.h"

namespace fairlead::control {

/// Queries run outside; each answer wakes the run that asked. Answers that come after the run has ended, after their
/// timeout or after a restart are dropped: what counts is in the run's status.
class AnalysisRunReconciler final : public Reconciler {
 public:
  /// Manager, Api and Metrics outlive the reconciler.
  AnalysisRunReconciler(Manager& manager, api::Api& api, seam::Metrics& metrics,
                        std::shared_ptr<const ResumeGate> gate);
  ~AnalysisRunReconciler() override;

  [[nodiscard]] std::string_view name() const override { return "analysisrun"; }
  void observe(const api::Event& event, Queue& queue) override;
  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override;

 private:
  struct Flights;
  struct Look;

  [[nodiscard]] Result<Again> keep_or_expire(const api::Object& run, const RunStatus& status);
  [[nodiscard]] Result<std::vector<Metric>> prepare(const api::Object& run, std::vector<std::string>& secrets) const;
  [[nodiscard]] std::optional<Time> held_until(const api::Object& run) const;
  void collect(Look& look);
  void depart(Look& look);
  void conclude(Look& look);
  [[nodiscard]] Result<> write(const api::Key& key, const RunStatus& status);
  [[nodiscard]] Result<Again> refuse(const api::Object& run, RunStatus status, std::string message);
  [[nodiscard]] std::optional<Time> due(const Metric& metric, const RunStatus& status) const;
  [[nodiscard]] Again next_look(const Look& look) const;

  Manager& manager_;
  api::Api& api_;
  seam::Metrics& metrics_;
  std::shared_ptr<const ResumeGate> gate_;
  EventRecorder events_;
  const api::Resource& runs_;
  std::shared_ptr<Flights> flights_;
};

}  // namespace fairlead::control
