// Labels, annotations and phases that Argo Rollouts' objects carry.
// Source: argo-rollouts/pkg/apis/rollouts/v1alpha1/types.go, utils/annotations/annotations.go.
#pragma once

#include <string_view>

namespace fairlead::control {

inline constexpr std::string_view kRolloutsGroup = "argoproj.io";

inline constexpr std::string_view kPodHashLabel = "rollouts-pod-template-hash";
inline constexpr std::string_view kRolloutTypeLabel = "rollout-type";
inline constexpr std::string_view kStepIndexLabel = "step-index";
inline constexpr std::string_view kStepRun = "Step";
inline constexpr std::string_view kBackgroundRun = "Background";

inline constexpr std::string_view kRevisionAnnotation = "rollout.argoproj.io/revision";
inline constexpr std::string_view kRevisionHistoryAnnotation = "rollout.argoproj.io/revision-history";
inline constexpr std::string_view kDesiredReplicasAnnotation = "rollout.argoproj.io/desired-replicas";
inline constexpr std::string_view kEphemeralMetadataAnnotation = "rollout.argoproj.io/ephemeral-metadata";
inline constexpr std::string_view kScaleDownDeadlineAnnotation = "scale-down-deadline";
inline constexpr std::string_view kManagedByAnnotation = "argo-rollouts.argoproj.io/managed-by-rollouts";

inline constexpr std::string_view kGatewayApiPlugin = "argoproj-labs/gatewayAPI";

namespace phase {
inline constexpr std::string_view kPending = "Pending";
inline constexpr std::string_view kRunning = "Running";
inline constexpr std::string_view kSuccessful = "Successful";
inline constexpr std::string_view kFailed = "Failed";
inline constexpr std::string_view kError = "Error";
inline constexpr std::string_view kInconclusive = "Inconclusive";

[[nodiscard]] constexpr bool completed(std::string_view p) {
  return p == kSuccessful || p == kFailed || p == kError || p == kInconclusive;
}
}  // namespace phase

inline constexpr std::string_view kPauseStep = "CanaryPauseStep";
inline constexpr std::string_view kInconclusivePause = "InconclusiveAnalysisRun";

}  // namespace fairlead::control
