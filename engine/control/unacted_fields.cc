// Warnings of fields of Applications, AppProjects, HorizontalPodAutoscalers and EndpointSlices that the schema knows
// and nothing here acts on.
#include <algorithm>
#include <array>

#include "engine/control/application_options.h"
#include "engine/control/application_project.h"
#include "engine/control/controllers.h"

namespace fairlead::control {
namespace {

void warn(const api::Admission& admission, std::string_view field, std::string_view consequence) {
  admission.warnings->push_back(fmt::format("{} is not acted on here: {}", field, consequence));
}

void look_at_options(const api::Admission& admission, const Value& options, std::string_view field) {
  for (const Value& option : options.items()) {
    if (!option_followed(option.str()))
      warn(admission, fmt::format("{}[{}]", field, option.str()),
           "objects are validated, and changed by a three-way merge with what was applied before");
  }
}

void look_at_application(const api::Admission& admission) {
  const Value& policy = admission.object->at("spec", "syncPolicy");
  look_at_options(admission, policy.at("syncOptions"), "spec.syncPolicy.syncOptions");
  if (!policy.at("managedNamespaceMetadata").empty())
    warn(admission, "spec.syncPolicy.managedNamespaceMetadata", "a namespace that is made has a name alone");
}

/// What somebody asks for by hand is all that counts then, as upstream: easily missed, since Argo CD's own command line
/// copies the Application's options.
void look_at_operation(const api::Admission& admission) {
  const Value& sync = admission.object->at("operation", "sync");
  look_at_options(admission, sync.at("syncOptions"), "operation.sync.syncOptions");
  if (sync.at("syncOptions").empty() && !admission.object->at("spec", "syncPolicy", "syncOptions").empty())
    admission.warnings->push_back(
        "operation.sync.syncOptions is left out: this sync follows none of spec.syncPolicy.syncOptions");
}

void look_at_project(const api::Admission& admission) {
  const Value& spec = admission.object->at("spec");
  if (const auto promise = unkept_promise(*admission.object)) admission.warnings->push_back(*promise);
  if (spec.at("permitOnlyProjectScopedClusters").bool_or(false))
    admission.warnings->push_back(
        "spec.permitOnlyProjectScopedClusters: no cluster belongs to a project here, so this one permits none");
  if (!spec.at("orphanedResources").is_null())
    warn(admission, "spec.orphanedResources", "objects that no Application has are not looked for");
  if (!spec.at("destinationServiceAccounts").empty())
    warn(admission, "spec.destinationServiceAccounts", "objects are applied with the rights of the cluster itself");
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

void look_at_endpoint_slice(const api::Admission& admission) {
  const Value& slice = *admission.object;
  if (const std::string_view type = slice.at("addressType").string_or("IPv4"); type != "IPv4")
    warn(admission, fmt::format("addressType {}", type), "traffic goes to addresses of IPv4 alone");
  std::size_t index = 0;
  for (const Value& port : slice.at("ports").items()) {
    if (port.at("port").is_null())
      warn(admission, fmt::format("ports[{}] without a number", index), "no traffic goes to every port of an address");
    ++index;
  }
}

api::ApiResult<> admit(api::Admission& admission) {
  if (admission.object == nullptr || admission.warnings == nullptr || admission.subresource != api::Subresource::kNone)
    return {};
  const auto changed = [&](std::string_view part) {
    return admission.before == nullptr || !(admission.before->at(part) == admission.object->at(part));
  };
  const api::Resource& resource = *admission.resource;
  if (resource.group == "discovery.k8s.io" && resource.kind == "EndpointSlice") look_at_endpoint_slice(admission);
  const bool application = resource.group == "argoproj.io" && resource.kind == "Application";
  if (application && admission.object->has("operation") && changed("operation")) look_at_operation(admission);
  if (!changed("spec")) return {};
  if (application) look_at_application(admission);
  if (resource.group == "argoproj.io" && resource.kind == "AppProject") look_at_project(admission);
  if (resource.group == "autoscaling" && resource.kind == "HorizontalPodAutoscaler") look_at_autoscaler(admission);
  return {};
}

}  // namespace

void add_unacted_fields_admission(api::Api& api) { api.add_admission("unacted-fields", admit); }

}  // namespace fairlead::control
