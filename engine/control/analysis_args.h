// Arguments of analyses: {{args.name}} in metrics, and where their values come from.
// Source: argo-rollouts/utils/template/template.go, utils/analysis/helpers.go and factory.go.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/value.h"
#include "engine/api/api.h"

namespace fairlead::control {

/// Name to value.
using Arguments = std::map<std::string, std::string>;

/// `text` with every {{args.name}} replaced. An argument that is not there is an error.
[[nodiscard]] Result<std::string> substitute(std::string_view text, const Arguments& arguments);
/// The same in every string below `tree`.
[[nodiscard]] Result<Value> substitute_all(const Value& tree, const Arguments& arguments);

/// A template's args with the caller's values put in; names that the template does not have are left out. Both are
/// arrays of {name, value, valueFrom}. An argument that has neither afterwards is an error.
[[nodiscard]] Result<Value> merge_arguments(const Value& given, const Value& declared);

/// The values of an AnalysisRun's spec.args. Those from Secrets are read where `api` is given and a stand-in where it
/// is null; `secrets` collects what was read, for redaction.
[[nodiscard]] Result<Arguments> argument_values(const Value& args, const api::Api* api, std::string_view ns,
                                                std::vector<std::string>* secrets);

/// Pod template hashes that an analysis' valueFrom.podTemplateHashValue can ask for.
struct PodHashes {
  std::string latest;
  std::string stable;
};
/// The args of a Rollout's analysis, and why not all of them could be read.
struct RolloutArguments {
  Value args = Value::array();  ///< As an AnalysisRun has them: [{name, value}].
  std::string problem;
};
/// fieldRef reads the Rollout. One that reads what is not there is empty, which is fine while the Rollout is validated
/// and a problem when a run is made; as upstream, the last fieldRef decides whether there is a problem. One below
/// metadata that is no such field leaves no args at all.
[[nodiscard]] RolloutArguments rollout_arguments(const Value& args, const Value& rollout, const PodHashes& hashes);
/// A field below metadata that the downward API knows. An absent label or annotation is empty.
[[nodiscard]] Result<std::string> metadata_text(const Value& rollout, std::string_view path);

}  // namespace fairlead::control
