// Services and AnalysisTemplates that a Rollout names.
// Source: argo-rollouts/pkg/apis/rollouts/validation/validation_references.go, rollout/controller.go.
#include "base/json.h"
#include "engine/control/analysis_args.h"
#include "engine/control/analysis_metric.h"
#include "engine/control/analysis_templates.h"
#include "engine/control/delivery_names.h"
#include "engine/control/rollout_validation.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kCanaryPath = "spec.strategy.canary";

/// field.Error.Error().
std::string sentence(std::string_view field, std::string_view value, std::string_view why) {
  return fmt::format("{}: Invalid value: \"{}\": {}", field, value, why);
}

std::string service_problem(const RolloutLook& look, std::string_view key) {
  const std::string_view name = look.strategy().at(key).str();
  if (name.empty()) return {};
  const std::string field = fmt::format("{}.{}", kCanaryPath, key);
  const auto service = look.in.api.get(look.in.services, look.rollout->ns(), name);
  if (!service) return sentence(field, name, fmt::format("service \"{}\" not found", name));
  for (const Member& member : service->at("spec", "selector").members()) {
    if (member.key == kPodHashLabel) continue;
    if (look.spec().at("template", "metadata", "labels", member.key) != member.value)
      return sentence(field, name, fmt::format("Service \"{}\" has unmatch label \"{}\" in rollout", name, member.key));
  }
  const std::string_view manager = service->annotation(kManagedByAnnotation);
  if (!manager.empty() && manager != look.rollout->name())
    return sentence(field, name, fmt::format("Service \"{}\" is managed by another Rollout", name));
  return {};
}

/// Whether a template of a step comes to an end, judged by its own arguments alone: what the Rollout gives does not
/// count, and one without a value stands as text that is no number.
std::string endless_problem(const api::Object& analysis_template) {
  const std::string_view name = analysis_template.name();
  Arguments arguments;
  for (const Value& argument : analysis_template.at("spec", "args").items()) {
    const bool given = argument.has("value");
    if (given && argument.has("valueFrom"))
      return fmt::format("AnalysisTemplate {}: arg '{}' has both Value and ValueFrom fields", name,
                         argument.at("name").str());
    arguments[std::string(argument.at("name").str())] = given ? argument.at("value").str() : "dummy-value";
  }
  for (const Value& each : analysis_template.at("spec", "metrics").items()) {
    const auto metric = substitute_all(each, arguments);
    if (!metric) return fmt::format("AnalysisTemplate {}: {}", name, metric.error().message);
    const Value& count = metric->at("count");
    if (count_of(count).value_or(0) != 0 || metric->at("interval").str().empty()) continue;
    return fmt::format("AnalysisTemplate {} has metric {} which runs indefinitely. Invalid value for count: {}", name,
                       metric->at("name").str(), count.is_null() ? "<nil>" : scalar_text(count));
  }
  return {};
}

/// A template must be there, its arguments given, and a step's metrics must come to an end.
std::string template_problem(const RolloutLook& look, const Value& analysis, const std::string& field,
                             bool endless_allowed) {
  const auto templates = find_templates(look.in.api, look.rollout->ns(), analysis.at("templates"));
  std::string names;
  for (const Value& ref : analysis.at("templates").items())
    names += fmt::format("{}{}", names.empty() ? "" : " ", ref.at("templateName").str());
  if (!templates) return sentence(field, names, templates.error().message);
  // An argument that cannot be read yet is a problem only when a run is made: until then it is empty.
  const RolloutArguments args =
      rollout_arguments(analysis.at("args"), look.rollout->tree(), {"dummy-new-hash", "dummy-stable-hash"});
  const auto spec = analysis_spec(*templates, analysis, args.args);
  if (!spec) return sentence(field, fmt::format("templateNames: [{}]", names), spec.error().message);
  if (endless_allowed) return {};
  for (const auto* list : {&templates->local, &templates->cluster})
    for (const auto& each : *list)
      if (std::string problem = endless_problem(*each); !problem.empty()) return sentence(field, each->name(), problem);
  return {};
}

}  // namespace

std::string reference_problem(const RolloutLook& look) {
  if (const std::string& problem = look.in.reading_of(*look.rollout).problem; !problem.empty()) return problem;
  for (const std::string_view key : {"stableService", "canaryService"})
    if (std::string problem = service_problem(look, key); !problem.empty()) return problem;
  for (std::size_t i = 0; i < look.steps().size(); ++i) {
    if (!look.steps()[i].has("analysis")) continue;
    const std::string field = fmt::format("{}.steps[{}].analysis.templates", kCanaryPath, i);
    if (std::string problem = template_problem(look, look.steps()[i].at("analysis"), field, false); !problem.empty())
      return problem;
  }
  if (const Value& background = look.strategy().at("analysis"); !background.at("templates").empty())
    return template_problem(look, background, fmt::format("{}.analysis.templates", kCanaryPath), true);
  return {};
}

}  // namespace fairlead::control
