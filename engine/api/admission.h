// The admission steps that every write passes, in order. Each is a function of its own, so that a refusal can be traced
// to a name.
#pragma once

#include "engine/api/api.h"

namespace fairlead::api {

inline constexpr std::string_view kServiceRange = "10.96.0.0/16";
inline constexpr std::int64_t kFirstNodePort = 30'000;
inline constexpr std::int64_t kLastNodePort = 32'767;
inline constexpr std::int64_t kPodTokenSeconds =
    3607;  ///< Of the token that every pod gets. Source: the ServiceAccount plugin.

/// Adds to `api`, in this order: unserved, definitions, namespace-lifecycle, service-account, priority, runtime-class,
/// pod-qos, service-addresses, pod-security, pod-fields, rbac-escalation, certificate-requester.
void add_standard_admission(Api& api);

[[nodiscard]] bool is_pod(const Resource& resource);
/// The spec of a Pod, or of the pods that a workload makes, in what is written; null where there is none.
[[nodiscard]] const Value& written_pod_spec(const Admission& admission);

/// Warns of objects that nothing in this program acts on, because of their kind or their type: they are stored and can
/// be read, and that is all.
[[nodiscard]] ApiResult<> admit_unserved(Admission& admission);
/// Warns of what a CustomResourceDefinition asks for in vain: CEL rules, conversion webhooks, another version of a kind
/// that is built in. Refuses new objects of a kind whose definition is going.
[[nodiscard]] ApiResult<> admit_definition(const Api& api, Admission& admission);
/// Nothing is created in a namespace that is missing or going; the built-in namespaces stay.
[[nodiscard]] ApiResult<> admit_namespace(const Api& api, Admission& admission);
/// Gives pods their service account, its pull secrets, and the volume with its token.
[[nodiscard]] ApiResult<> admit_service_account(const Api& api, Admission& admission);
/// Resolves spec.priorityClassName of pods; of PriorityClasses, one alone is the default.
[[nodiscard]] ApiResult<> admit_priority(const Api& api, Admission& admission);
/// Refuses pods that say what their sandbox costs: that is for RuntimeClasses to say.
[[nodiscard]] ApiResult<> admit_overhead(Admission& admission);
/// Says in the conditions of a new pod that gates keep it from being scheduled.
[[nodiscard]] ApiResult<> admit_scheduling_gates(const Api& api, Admission& admission);
/// Sets status.qosClass of new pods.
[[nodiscard]] ApiResult<> admit_qos(Admission& admission);
/// Does what upstream's registry does with a Service before it validates it: address families, clusterIP, nodePorts and
/// the port for health, and lets go of what its type does not have. The same Service gets the same ones in every run
/// where they are free.
[[nodiscard]] ApiResult<> admit_service(const Api& api, Admission& admission);
/// Enforces the namespace's Pod Security Standard, warns where it asks for warnings, and refuses labels of namespaces
/// that name no standard.
[[nodiscard]] ApiResult<> admit_pod_security(const Api& api, Admission& admission);
/// Refuses pods with fields that nothing here acts on where ignoring them would change what runs, and warns of the
/// others; templates of pods are warned of.
[[nodiscard]] ApiResult<> admit_pod_fields(Admission& admission);
/// Writes into a CertificateSigningRequest who asks for the certificate, whatever it says itself.
[[nodiscard]] ApiResult<> admit_certificate_request(Admission& admission);
/// Refuses Roles, ClusterRoles and bindings that grant what their author does not hold, unless he may `escalate` the
/// role or `bind` it.
[[nodiscard]] ApiResult<> admit_grant(const Api& api, Admission& admission);

}  // namespace fairlead::api
