// What a CustomResourceDefinition asks for that does not happen here, said when it is written.
#include <algorithm>

#include "engine/api/admission.h"

namespace fairlead::api {
namespace {

bool has_rules(const Value& schema) {
  if (!schema.is_object() && !schema.is_array()) return false;
  if (schema.is_array()) return std::ranges::any_of(schema.items(), has_rules);
  return std::ranges::any_of(schema.members(), [](const Member& member) {
    return (member.key == "x-kubernetes-validations" && !member.value.empty()) || has_rules(member.value);
  });
}

bool is_served(const Schema& schema, const Value& spec) {
  return std::ranges::any_of(schema.resources(), [&](const Resource* resource) {
    return resource->group == spec.at("group").str() && resource->plural == spec.at("names", "plural").str();
  });
}

}  // namespace

ApiResult<> admit_definition(const Api& api, Admission& admission) {
  if (admission.resource->kind != "CustomResourceDefinition" || admission.warnings == nullptr) return {};
  if (admission.operation == Admission::Operation::kDelete || admission.subresource != Subresource::kNone) return {};
  const Value& spec = admission.object->at("spec");
  const auto warn = [&](std::string_view text) { admission.warnings->emplace_back(text); };
  if (admission.before == nullptr && is_served(api.schema(), spec)) {
    warn(fmt::format("{} is built in: this definition is stored, and what is built in stays in use",
                     admission.object->at("metadata", "name").str()));
    return {};
  }
  if (admission.before != nullptr && admission.before->at("spec") != spec) {
    warn("the changed definition comes into use when the cluster starts again");
  }
  if (has_rules(spec.at("versions"))) warn("x-kubernetes-validations rules (CEL) are stored and not evaluated");
  if (spec.at("conversion", "strategy").str() == "Webhook") {
    warn("conversion webhooks are not called: objects are served as they are stored, under every version");
  }
  return {};
}

}  // namespace fairlead::api
