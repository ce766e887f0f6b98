// AnalysisTemplates and ClusterAnalysisTemplates put together into one specification of an AnalysisRun.
// Source: argo-rollouts/rollout/analysis.go (getAnalysisTemplatesFromRefs), utils/analysis/helpers.go.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"
#include "engine/api/api.h"

namespace fairlead::control {

inline constexpr int kMaxTemplateNesting = 16;

/// Templates in the order in which they were found, each once.
struct AnalysisTemplates {
  std::vector<api::ObjectPtr> local;
  std::vector<api::ObjectPtr> cluster;
};

/// What `refs` ([{templateName, clusterScope}]) names in namespace `ns`, nested references included.
[[nodiscard]] Result<AnalysisTemplates> find_templates(const api::Api& api, std::string_view ns, const Value& refs);

/// spec of an AnalysisRun: metrics, args, dryRun and measurementRetention of all templates and of `analysis` (the part
/// of the Rollout that asks for it), with `args` ([{name, value}]) filled in. Two metrics of one name, contradicting or
/// missing arguments are errors.
[[nodiscard]] Result<Value> analysis_spec(const AnalysisTemplates& templates, const Value& analysis, const Value& args);

}  // namespace fairlead::control
