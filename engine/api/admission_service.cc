#include "engine/api/admission_service.h"

#include <utility>

namespace fairlead::api {
namespace {

TakenByServices taken_by_others(const Api& api, std::string_view ns, std::string_view name) {
  TakenByServices out;
  api.store().each(api.schema().resource("", "services"), {}, [&](const ObjectPtr& service) {
    if (service->ns() == ns && service->name() == name) return true;
    const Value& spec = service->at("spec");
    if (const auto ip = parse_ipv4(spec.at("clusterIP").str())) out.addresses.insert(*ip);
    for (const Value& port : spec.at("ports").items()) {
      if (const std::int64_t number = port.at("nodePort").int_or(0); number > 0) out.node_ports.insert(number);
    }
    if (const std::int64_t number = spec.at("healthCheckNodePort").int_or(0); number > 0) out.node_ports.insert(number);
    return true;
  });
  return out;
}

/// Those of a Service that is stored; old ones have one address in one field.
Value spec_before(const Admission& admission) {
  if (admission.before == nullptr) return {};
  Value out = admission.before->at("spec");
  if (out.is_null()) out = Value::object();
  const Value address = out.at("clusterIP");
  if (!address.str().empty() && out.at("clusterIPs").empty()) out.set("clusterIPs", Value::array({address}));
  return out;
}

}  // namespace

ApiResult<> ServiceWrite::refuse(std::string field, std::string why) const {
  return std::unexpected(Status::invalid(*admission.resource, admission.object->at("metadata", "name").str(),
                                         {{FieldError::Reason::kInvalid, std::move(field), std::move(why)}}));
}

/// Source: pkg/registry/core/service/storage/storage.go, beginCreate and beginUpdate, and after them
/// pkg/registry/core/service/strategy.go, PrepareForUpdate.
ApiResult<> admit_service(const Api& api, Admission& admission) {
  const Resource& resource = *admission.resource;
  if (admission.object == nullptr || admission.subresource != Subresource::kNone) return {};
  if (!resource.group.empty() || resource.kind != "Service") return {};
  ServiceWrite write{.admission = admission, .spec = (*admission.object)["spec"], .before = spec_before(admission)};
  const Value& metadata = admission.object->at("metadata");
  const TakenByServices taken = taken_by_others(api, metadata.at("namespace").str(), metadata.at("name").str());
  keep_node_ports(write);
  normalize_cluster_addresses(write);
  if (auto ok = complete_families(write); !ok) return ok;
  if (auto ok = allocate_cluster_address(write, taken.addresses); !ok) return ok;
  if (auto ok = allocate_node_ports(write, taken.node_ports); !ok) return ok;
  if (!write.creates()) drop_fields_of_other_types(write);
  // Upstream stores the default there, and shows it to nobody.
  if (write.spec.at("type").str() == "ExternalName") write.spec.erase("internalTrafficPolicy");
  return {};
}

}  // namespace fairlead::api
