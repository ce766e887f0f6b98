// Rollout: canary delivery by steps. The flow of one pass stands in rollout.cc.
#pragma once

#include "engine/control/rollout_look.h"

namespace fairlead::control {

/// Semantics of Argo Rollouts 1.10 for the canary strategy, with weights in HTTPRoutes as its plugin
/// argoproj-labs/gatewayAPI writes them, or without a router. What is left out is refused by rollout_admission.
class RolloutReconciler final : public Reconciler {
 public:
  /// `api` outlives the reconciler.
  RolloutReconciler(api::Api& api, std::shared_ptr<ResumeGate> gate);

  [[nodiscard]] std::string_view name() const override { return "rollout"; }
  void observe(const api::Event& event, Queue& queue) override;
  [[nodiscard]] Result<Again> reconcile(const api::Key& key) override;

 private:
  RolloutServices in_;
};

}  // namespace fairlead::control
