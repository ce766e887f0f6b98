// What a CustomResourceDefinition asks for that does not happen here, said when it is written.
#include <algorithm>
#include <set>

#include "engine/api/admission.h"
#include "engine/api/schema_format.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

bool has_rules(const Value& schema) {
  if (!schema.is_object() && !schema.is_array()) return false;
  if (schema.is_array()) return std::ranges::any_of(schema.items(), has_rules);
  return std::ranges::any_of(schema.members(), [](const Member& member) {
    return (member.key == "x-kubernetes-validations" && !member.value.empty()) || has_rules(member.value);
  });
}

/// Source: apiextensions-apiserver/pkg/apiserver/customresource_handler.go, forbidCreateAdmission.
ApiResult<> admit_custom(const Api& api, const Admission& admission) {
  const Resource& resource = *admission.resource;
  const ObjectPtr definition = api.get(api.schema().resource("apiextensions.k8s.io", "customresourcedefinitions"), {},
                                       fmt::format("{}.{}", resource.plural, resource.group));
  if (!definition || !definition->deleting()) return {};
  return std::unexpected(Status::forbidden(resource, admission.object->at("metadata", "name").str(),
                                           "create not allowed while custom resource definition is terminating"));
}

/// Formats that mean nothing, once each. Source: apiextensions-apiserver/pkg/registry/customresourcedefinition/
/// strategy.go, getUnrecognizedFormatsInSchema.
void find_formats(const Value& schema, std::set<std::string_view>& unknown) {
  if (schema.is_array()) {
    for (const Value& item : schema.items()) find_formats(item, unknown);
  }
  if (!schema.is_object()) return;
  const std::string_view format = schema.at("format").str();
  const std::string_view type = schema.at("type").str();
  const bool known = type.empty() || type == "string" ? known_format(format)
                     : type == "integer"              ? format == "int32" || format == "int64"
                                                      : type == "number" && (format == "float" || format == "double");
  if (!format.empty() && !known) unknown.insert(format);
  for (const std::string_view list : {"properties", "patternProperties", "definitions"}) {
    for (const Member& property : schema.at(list).members()) find_formats(property.value, unknown);
  }
  for (const std::string_view inner : {"items", "additionalProperties", "allOf", "anyOf", "oneOf", "not"}) {
    find_formats(schema.at(inner), unknown);
  }
}

bool is_served(const Schema& schema, const Value& spec) {
  return std::ranges::any_of(schema.resources(), [&](const Resource* resource) {
    return resource->group == spec.at("group").str() && resource->plural == spec.at("names", "plural").str();
  });
}

}  // namespace

ApiResult<> admit_definition(const Api& api, Admission& admission) {
  const bool creates = admission.operation == Admission::Operation::kCreate;
  if (!admission.resource->type->typed && creates) return admit_custom(api, admission);
  if (admission.resource->kind != "CustomResourceDefinition" || admission.warnings == nullptr) return {};
  if (admission.operation == Admission::Operation::kDelete || admission.subresource != Subresource::kNone) return {};
  const Value& spec = admission.object->at("spec");
  const auto warn = [&](std::string_view text) { admission.warnings->emplace_back(text); };
  if (admission.before == nullptr && is_served(api.schema(), spec)) {
    warn(fmt::format("{} is built in: this definition is stored, and what is built in stays in use",
                     admission.object->at("metadata", "name").str()));
    return {};
  }
  std::set<std::string_view> formats;
  std::set<std::string_view> known;
  for (const Value& version : spec.at("versions").items())
    find_formats(version.at("schema", "openAPIV3Schema"), formats);
  if (admission.before != nullptr) {
    for (const Value& version : admission.before->at("spec", "versions").items())
      find_formats(version.at("schema", "openAPIV3Schema"), known);
  }
  for (const std::string_view format : formats) {
    if (!known.contains(format)) warn(fmt::format("unrecognized format \"{}\"", format));
  }
  if (has_rules(spec.at("versions"))) warn("x-kubernetes-validations rules (CEL) are stored and not evaluated");
  if (spec.at("conversion", "strategy").str() == "Webhook") {
    warn("conversion webhooks are not called: objects are served as they are stored, under every version");
  }
  return {};
}

}  // namespace fairlead::api
