#include "engine/api/admission.h"

#include <algorithm>
#include <array>

namespace fairlead::api {
namespace {

bool creates(const Admission& admission) {
  return admission.operation == Admission::Operation::kCreate && admission.subresource == Subresource::kNone;
}

bool is_namespace(const Resource& resource) { return resource.group.empty() && resource.kind == "Namespace"; }

}  // namespace

bool is_pod(const Resource& resource) { return resource.group.empty() && resource.kind == "Pod"; }

const Value& written_pod_spec(const Admission& admission) {
  static const Value kNone;
  if (admission.object == nullptr || admission.subresource != Subresource::kNone || !admission.resource->namespaced)
    return kNone;
  const Value& spec = admission.object->at("spec");
  return is_pod(*admission.resource) ? spec : spec.at("template", "spec");
}

ApiResult<> admit_unserved(Admission& admission) {
  if (!creates(admission) || admission.warnings == nullptr) return {};
  const Resource& resource = *admission.resource;
  if (!resource.acted_on) {
    admission.warnings->push_back(
        fmt::format("nothing here acts on {} objects: this one is stored and does nothing", resource.kind));
  }
  if (resource.group.empty() && resource.kind == "Secret" &&
      admission.object->at("type").str() == "kubernetes.io/service-account-token") {
    admission.warnings->push_back(
        "type kubernetes.io/service-account-token is not acted on here: nothing writes a token into it; use `kubectl "
        "create token`");
  }
  return {};
}

ApiResult<> admit_namespace(const Api& api, Admission& admission) {
  const Resource& resource = *admission.resource;
  if (admission.operation == Admission::Operation::kDelete) {
    constexpr std::array<std::string_view, 3> kImmortal = {"default", "kube-system", "kube-public"};
    const std::string_view name = admission.before->at("metadata", "name").str();
    if (is_namespace(resource) && std::ranges::find(kImmortal, name) != kImmortal.end()) {
      return std::unexpected(Status::forbidden(resource, name, "this namespace may not be deleted"));
    }
    return {};
  }
  if (!creates(admission) || !resource.namespaced) return {};
  const std::string_view ns = admission.object->at("metadata", "namespace").str();
  const Resource& namespaces = api.schema().resource("", "namespaces");
  const ObjectPtr space = api.get(namespaces, {}, ns);
  if (!space) return std::unexpected(Status::not_found(namespaces, ns));
  if (!space->deleting()) return {};
  Status refused =
      Status::forbidden(resource, admission.object->at("metadata", "name").str(),
                        fmt::format("unable to create new content in namespace {} because it is being terminated", ns));
  refused.causes.push_back({FieldError::Reason::kNamespaceTerminating, "metadata.namespace",
                            fmt::format("namespace {} is being terminated", ns)});
  return std::unexpected(std::move(refused));
}

void add_standard_admission(Api& api) {
  const Api& read = api;
  const auto with_api = [&read](auto step) { return [&read, step](Admission& a) { return step(read, a); }; };
  api.add_admission("unserved", admit_unserved);
  api.add_admission("definitions", with_api(admit_definition));
  api.add_admission("namespace-lifecycle", with_api(admit_namespace));
  api.add_admission("service-account", with_api(admit_service_account));
  api.add_admission("priority", with_api(admit_priority));
  api.add_admission("runtime-class", admit_overhead);
  api.add_admission("scheduling-gates", with_api(admit_scheduling_gates));
  api.add_admission("pod-qos", admit_qos);
  api.add_admission("service-addresses", with_api(admit_service));
  api.add_admission("pod-security", with_api(admit_pod_security));
  api.add_admission("pod-fields", admit_pod_fields);
  api.add_admission("rbac-escalation", with_api(admit_grant));
  api.add_admission("certificate-requester", admit_certificate_request);
}

}  // namespace fairlead::api
