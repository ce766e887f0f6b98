// What Gateway API can say and this edge does not do: refused where requests would be served differently, else warned
// of.
#include "engine/control/http_route.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

void refuse(std::vector<api::FieldError>& errors, const Value& holder, std::string_view field,
            const std::string& where) {
  const Value* value = holder.find(field);
  if (value == nullptr || value->is_null()) return;
  errors.push_back({api::FieldError::Reason::kForbidden, where + std::string(field),
                    "this edge does not act on it, and requests would be served differently without it: remove it",
                    value->line(), value->column()});
}

void find_unacted(std::string_view kind, const Value& spec, std::vector<std::string>& warnings) {
  const auto warn = [&](const std::string& field, std::string_view consequence) {
    warnings.push_back(fmt::format("{} is not acted on here: {}", field, consequence));
  };
  if (kind == "GatewayClass" && !spec.at("parametersRef").is_null()) {
    warn("spec.parametersRef", "the edge of this machine has no parameters");
  }
  if (kind == "Gateway") {
    for (const std::string_view field : {"labels", "annotations"}) {
      if (spec.at("infrastructure", field).empty()) continue;
      warn(fmt::format("spec.infrastructure.{}", field),
           "nothing is made for a Gateway; its pods are those that name it");
    }
  }
  const Value& parents = spec.at("parentRefs");
  for (std::size_t i = 0; kind == "HTTPRoute" && i < parents.size(); ++i) {
    if (parents.at(i, "kind").string_or("Gateway") == "Gateway") continue;
    warn(fmt::format("spec.parentRefs[{}]", i), "routes lead from Gateways alone: there is no mesh here");
  }
}

std::vector<api::FieldError> find_unsupported(std::string_view kind, const Value& spec) {
  std::vector<api::FieldError> errors;
  if (kind == "HTTPRoute") {
    refuse(errors, spec, "useDefaultGateways", "spec.");
    for (std::size_t i = 0; i < spec.at("rules").size(); ++i) {
      for (const char* field : {"retry", "sessionPersistence"}) {
        refuse(errors, spec.at("rules", i), field, fmt::format("spec.rules[{}].", i));
      }
    }
  } else if (kind == "Gateway") {
    for (const char* field : {"addresses", "allowedListeners", "defaultScope", "tls"})
      refuse(errors, spec, field, "spec.");
    refuse(errors, spec.at("infrastructure"), "parametersRef", "spec.infrastructure.");
    for (std::size_t i = 0; i < spec.at("listeners").size(); ++i) {
      refuse(errors, spec.at("listeners", i), "filters", fmt::format("spec.listeners[{}].", i));
    }
  }
  return errors;
}

}  // namespace

void add_gateway_admission(api::Api& api) {
  api.add_admission("gateway-support", [](api::Admission& request) -> api::ApiResult<> {
    if (request.object == nullptr || request.resource->group != kGatewayGroup) return {};
    const Value& spec = request.object->at("spec");
    const bool same = request.before != nullptr && request.before->at("spec") == spec;
    if (request.warnings != nullptr && !same) find_unacted(request.resource->kind, spec, *request.warnings);
    std::vector<api::FieldError> errors = find_unsupported(request.resource->kind, spec);
    if (errors.empty()) return {};
    return std::unexpected(
        api::Status::invalid(*request.resource, request.object->at("metadata", "name").str(), std::move(errors)));
  });
}

}  // namespace fairlead::control
