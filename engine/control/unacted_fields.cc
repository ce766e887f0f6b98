// Warnings of fields of Applications and HorizontalPodAutoscalers that the schema knows and nothing here acts on.
#include <algorithm>
#include <array>

#include "engine/control/controllers.h"

namespace fairlead::control {
namespace {

void warn(const api::Admission& admission, std::string_view field, std::string_view consequence) {
  admission.warnings->push_back(fmt::format("{} is not acted on here: {}", field, consequence));
}

/// Options that are followed, and those that ask for what is done here in any case.
bool followed(std::string_view option) {
  constexpr std::array<std::string_view, 10> kFollowed = {
      "CreateNamespace", "RespectIgnoreDifferences", "Prune",   "Delete",          "PrunePropagationPolicy",
      "PruneLast",       "ApplyOutOfSyncOnly",       "Replace", "ServerSideApply", "SkipDryRunOnMissingResource"};
  const std::string_view name = option.substr(0, option.find('='));
  if (name == "Replace" || name == "ServerSideApply") return option.ends_with("=false");
  return option == "Validate=true" || std::ranges::find(kFollowed, name) != kFollowed.end();
}

void look_at_application(const api::Admission& admission) {
  const Value& policy = admission.object->at("spec", "syncPolicy");
  for (const Value& option : policy.at("syncOptions").items()) {
    if (!followed(option.str()))
      warn(admission, fmt::format("spec.syncPolicy.syncOptions[{}]", option.str()),
           "objects are validated, and changed by a three-way merge with what was applied before");
  }
  if (!policy.at("managedNamespaceMetadata").empty())
    warn(admission, "spec.syncPolicy.managedNamespaceMetadata", "a namespace that is made has a name alone");
  if (policy.at("retry", "refresh").bool_or(false))
    warn(admission, "spec.syncPolicy.retry.refresh",
         "a newer commit takes the place of one that is tried again anyway");
}

void look_at_autoscaler(const api::Admission& admission) {
  std::size_t index = 0;
  for (const Value& metric : admission.object->at("spec", "metrics").items()) {
    const std::string_view type = metric.at("type").str();
    if (type == "Object" || type == "External" || type == "Pods")
      warn(admission, fmt::format("spec.metrics[{}]", index),
           fmt::format(
               "nothing here measures for metrics of type {}, and with one metric missing nothing is scaled down",
               type));
    ++index;
  }
}

api::ApiResult<> admit(api::Admission& admission) {
  if (admission.object == nullptr || admission.warnings == nullptr || admission.subresource != api::Subresource::kNone)
    return {};
  if (admission.before != nullptr && admission.before->at("spec") == admission.object->at("spec")) return {};
  const api::Resource& resource = *admission.resource;
  if (resource.group == "argoproj.io" && resource.kind == "Application") look_at_application(admission);
  if (resource.group == "autoscaling" && resource.kind == "HorizontalPodAutoscaler") look_at_autoscaler(admission);
  return {};
}

}  // namespace

void add_unacted_fields_admission(api::Api& api) { api.add_admission("unacted-fields", admit); }

}  // namespace fairlead::control
