#include "engine/control/service_admission.h"

#include <set>
#include <string>

#include "base/hash.h"

namespace fairlead::control {
namespace {

/// The first addresses are left to those who ask for one by number (10.96.0.1, 10.96.0.10).
constexpr std::uint32_t kFirstDynamic = 256;
constexpr std::uint32_t kAddresses = 65'536;

std::string address(std::uint32_t index) { return fmt::format("{}{}.{}", kServiceNetwork, index / 256, index % 256); }

std::set<std::string> taken_addresses(const api::Api& api, const api::Resource& services) {
  std::set<std::string> out;
  for (const api::ObjectPtr& service : api.list(services)) out.insert(std::string(service->at("spec", "clusterIP").str()));
  return out;
}

/// By name, so that the same manifests get the same addresses; the next free one where two names meet.
std::string free_address(const std::set<std::string>& taken, const Value& service) {
  const std::string name =
      fmt::format("{}/{}", service.at("metadata", "namespace").str(), service.at("metadata", "name").str());
  const std::uint32_t span = kAddresses - kFirstDynamic - 1;
  const std::uint32_t first = fnv1a32(name) % span;
  for (std::uint32_t i = 0; i < span; ++i) {
    std::string candidate = address(kFirstDynamic + (first + i) % span);
    if (!taken.contains(candidate)) return candidate;
  }
  return "";
}

void set_address(Value& spec, const std::string& ip) {
  spec.set("clusterIP", ip);
  spec.set("clusterIPs", Value::array({ip}));
  if (!spec.has("ipFamilies")) spec.set("ipFamilies", Value::array({"IPv4"}));
  if (!spec.has("ipFamilyPolicy")) spec.set("ipFamilyPolicy", "SingleStack");
}

api::ApiResult<> admit(const api::Api& api, const api::Resource& services, api::Admission& admission) {
  if (admission.resource != &services || admission.object == nullptr) return {};
  if (admission.subresource != api::Subresource::kNone) return {};
  Value& service = *admission.object;
  Value& spec = service["spec"];
  if (spec.at("type").str() == "ExternalName") return {};
  const auto refuse = [&](std::string message) {
    return std::unexpected(api::Status::invalid(
        services, service.at("metadata", "name").str(),
        {{api::FieldError::Reason::kInvalid, "spec.clusterIPs", std::move(message)}}));
  };
  const std::string before(admission.before == nullptr ? "" : admission.before->at("spec", "clusterIP").str());
  const std::string wanted(spec.at("clusterIP").str());
  if (!before.empty()) {
    if (wanted.empty() || wanted == before) {
      set_address(spec, before);
      return {};
    }
    return refuse("Invalid value: may not change once set");
  }
  const std::set<std::string> taken = taken_addresses(api, services);
  if (wanted.empty()) {
    const std::string ip = free_address(taken, service);
    if (ip.empty()) return refuse("failed to allocate a serviceIP: range is full");
    set_address(spec, ip);
    return {};
  }
  if (wanted != "None") {
    if (!wanted.starts_with(kServiceNetwork)) {
      return refuse(fmt::format("failed to allocate IP {}: the provided IP is not in the valid range 10.96.0.0/16", wanted));
    }
    if (taken.contains(wanted)) {
      return refuse(fmt::format("failed to allocate IP {}: provided IP is already allocated", wanted));
    }
  }
  set_address(spec, wanted);
  return {};
}

}  // namespace

void add_service_admission(api::Api& api) {
  const api::Resource& services = api.schema().resource("", "services");
  api.add_admission("service-addresses", [&api, &services](api::Admission& a) { return admit(api, services, a); });
}

}  // namespace fairlead::control
