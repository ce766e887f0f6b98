// Source: pkg/registry/certificates/certificates/strategy.go.
#include "engine/api/admission.h"

namespace fairlead::api {

ApiResult<> admit_certificate_request(Admission& admission) {
  const Resource& resource = *admission.resource;
  const bool creates = admission.operation == Admission::Operation::kCreate;
  if (resource.group != "certificates.k8s.io" || resource.kind != "CertificateSigningRequest" || !creates) return {};
  Value& spec = (*admission.object)["spec"];
  for (const std::string_view field : {"username", "uid", "groups", "extra"}) spec.erase(field);
  if (admission.user == nullptr) return {};
  const User& user = *admission.user;
  spec.set("username", user.name);
  if (!user.uid.empty()) spec.set("uid", user.uid);
  for (const std::string& group : user.groups) spec.make("groups").push_back(group);
  for (const auto& [key, values] : user.extra) {
    for (const std::string& value : values) spec.make("extra", key).push_back(value);
  }
  return {};
}

}  // namespace fairlead::api
