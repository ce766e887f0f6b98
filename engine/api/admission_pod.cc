#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/quantity.h"
#include "base/time.h"
#include "engine/api/admission.h"
#include "engine/api/metadata.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kTokenMount = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::string_view kTokenVolumePrefix = "kube-api-access-";
constexpr std::int64_t kVolumeMode = 0644;
constexpr std::array<std::pair<std::string_view, std::int64_t>, 2> kBuiltinPriorities = {
    {{"system-cluster-critical", 2'000'000'000}, {"system-node-critical", 2'000'001'000}}};

bool creates_pod(const Admission& admission) {
  return admission.operation == Admission::Operation::kCreate && admission.subresource == Subresource::kNone &&
         admission.resource->group.empty() && admission.resource->kind == "Pod";
}

std::string_view name_of(const Admission& admission) { return admission.object->at("metadata", "name").str(); }

Value token_volume(std::string_view name) {
  Value token = Value::object({{"expirationSeconds", kPodTokenSeconds}, {"path", "token"}});
  Value item = Value::object({{"key", "ca.crt"}, {"path", "ca.crt"}});
  Value ca = Value::object({{"name", "kube-root-ca.crt"}, {"items", Value::array({std::move(item)})}});
  Value field = Value::object({{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}});
  Value file = Value::object({{"path", "namespace"}, {"fieldRef", std::move(field)}});
  Value downward = Value::object({{"items", Value::array({std::move(file)})}});
  Value sources = Value::array({Value::object({{"serviceAccountToken", std::move(token)}}),
                                Value::object({{"configMap", std::move(ca)}}),
                                Value::object({{"downwardAPI", std::move(downward)}})});
  return Value::object(
      {{"name", name}, {"projected", Value::object({{"defaultMode", kVolumeMode}, {"sources", std::move(sources)}})}});
}

bool mounts_token(const Value& container) {
  return std::ranges::any_of(container.at("volumeMounts").items(),
                             [](const Value& mount) { return mount.at("mountPath").str() == kTokenMount; });
}

/// Source: kubernetes/plugin/pkg/admission/serviceaccount/admission.go, mountServiceAccountToken.
void mount_token(Value& pod) {
  std::string volume;
  for (const Value& existing : pod.at("spec", "volumes").items()) {
    if (existing.at("name").str().starts_with(kTokenVolumePrefix)) volume = existing.at("name").str();
  }
  const bool has_volume = !volume.empty();
  if (!has_volume) {
    volume = std::string(kTokenVolumePrefix) + make_suffix(0, 0, pod.at("metadata", "uid").str());
  }
  bool needed = false;
  for (const std::string_view list : {"initContainers", "containers"}) {
    Value* containers = pod["spec"].find(list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (Value& container : containers->mutable_items()) {
      if (mounts_token(container)) continue;
      container["volumeMounts"].push_back(
          Value::object({{"name", volume}, {"readOnly", true}, {"mountPath", kTokenMount}}));
      needed = true;
    }
  }
  if (needed && !has_volume) pod["spec"]["volumes"].push_back(token_volume(volume));
}

ApiResult<> no_such_class(const Admission& admission, std::string_view name) {
  return std::unexpected(Status::forbidden(*admission.resource, name_of(admission),
                                           fmt::format("no PriorityClass with name {} was found", name)));
}

ApiResult<> refuse(const Admission& admission, std::string_view why) {
  return std::unexpected(Status::forbidden(*admission.resource, name_of(admission), why));
}

/// What a pod says of its priority itself must be what its class gives.
ApiResult<> set_priority(Admission& admission, std::string_view name, std::int64_t value, std::string_view policy) {
  Value& spec = (*admission.object)["spec"];
  if (!name.empty()) spec.set("priorityClassName", name);
  if (const Value& own = spec.at("priority"); own.is_int() && own.int_or(0) != value) {
    return refuse(admission,
                  fmt::format("the integer value of priority ({}) must not be provided in pod spec; priority admission "
                              "controller computed {} from the given PriorityClass name",
                              own.int_or(0), value));
  }
  if (policy.empty()) policy = "PreemptLowerPriority";
  if (const Value& own = spec.at("preemptionPolicy"); own.is_string() && own.str() != policy) {
    return refuse(admission,
                  fmt::format("the string value of PreemptionPolicy ({}) must not be provided in pod spec; priority "
                              "admission controller computed {} from the given PriorityClass name",
                              own.str(), policy));
  }
  spec.set("priority", value).set("preemptionPolicy", policy);
  return {};
}

/// An update that leaves out what admission set changes nothing.
void keep_priority(Admission& admission) {
  Value& spec = (*admission.object)["spec"];
  for (const std::string_view field : {"priority", "preemptionPolicy"}) {
    const Value& before = admission.before->at("spec", field);
    if (spec.at(field).is_null() && !before.is_null()) spec.set(field, before);
  }
}

/// Source: kubernetes/plugin/pkg/admission/priority/admission.go, validatePriorityClass.
ApiResult<> check_default_class(const Api& api, const Admission& admission) {
  if (!admission.object->at("globalDefault").bool_or(false)) return {};
  for (const ObjectPtr& one : api.list(*admission.resource)) {
    if (!one->at("globalDefault").bool_or(false) || one->name() == name_of(admission)) continue;
    return refuse(admission, fmt::format("PriorityClass {} is already marked as default. Only one default can exist",
                                         one->name()));
  }
  return {};
}

/// "cpu" and "memory" set above zero in `list`.
std::map<std::string_view, Quantity> amounts(const Value& list) {
  std::map<std::string_view, Quantity> out;
  for (const std::string_view name : {"cpu", "memory"}) {
    if (const Quantity quantity = Quantity::of(list.at(name)); quantity.nano > 0) out.emplace(name, quantity);
  }
  return out;
}

}  // namespace

ApiResult<> admit_service_account(const Api& api, Admission& admission) {
  if (!creates_pod(admission)) return {};
  Value& pod = *admission.object;
  if (pod.at("metadata", "annotations").has("kubernetes.io/config.mirror")) return {};
  Value& spec = pod["spec"];
  const std::string_view wanted = spec.at("serviceAccountName").str();
  const std::string name(wanted.empty() ? "default" : wanted);
  spec.set("serviceAccountName", name).set("serviceAccount", name);
  const std::string_view ns = pod.at("metadata", "namespace").str();
  const ObjectPtr account = api.get(api.schema().resource("", "serviceaccounts"), ns, name);
  if (!account) {
    return std::unexpected(Status::forbidden(
        *admission.resource, name_of(admission),
        fmt::format("error looking up service account {}/{}: serviceaccount \"{}\" not found", ns, name, name)));
  }
  const bool by_account = account->at("automountServiceAccountToken").bool_or(true);
  if (spec.at("automountServiceAccountToken").bool_or(by_account)) mount_token(pod);
  if (pod.at("spec", "imagePullSecrets").empty() && !account->at("imagePullSecrets").empty()) {
    pod["spec"].set("imagePullSecrets", account->at("imagePullSecrets"));
  }
  return {};
}

/// Source: kubernetes/plugin/pkg/admission/priority/admission.go.
ApiResult<> admit_priority(const Api& api, Admission& admission) {
  if (admission.object == nullptr || admission.subresource != Subresource::kNone) return {};
  const Resource& resource = *admission.resource;
  if (resource.group == "scheduling.k8s.io" && resource.kind == "PriorityClass")
    return check_default_class(api, admission);
  if (!is_pod(resource)) return {};
  if (admission.before != nullptr) {
    keep_priority(admission);
    return {};
  }
  const Resource& classes = api.schema().resource("scheduling.k8s.io", "priorityclasses");
  const std::string name(admission.object->at("spec", "priorityClassName").str());
  if (name.empty()) {
    ObjectPtr chosen;
    for (const ObjectPtr& one : api.list(classes)) {
      const bool lower = !chosen || one->at("value").int_or(0) < chosen->at("value").int_or(0);
      if (one->at("globalDefault").bool_or(false) && lower) chosen = one;
    }
    if (!chosen) return set_priority(admission, {}, 0, {});
    return set_priority(admission, chosen->name(), chosen->at("value").int_or(0), chosen->at("preemptionPolicy").str());
  }
  if (const ObjectPtr found = api.get(classes, {}, name))
    return set_priority(admission, name, found->at("value").int_or(0), found->at("preemptionPolicy").str());
  const auto* const builtin = std::ranges::find(kBuiltinPriorities, name, [](const auto& p) { return p.first; });
  if (builtin == kBuiltinPriorities.end()) return no_such_class(admission, name);
  return set_priority(admission, name, builtin->second, {});
}

/// Source: kubernetes/plugin/pkg/admission/runtimeclass/admission.go, validateOverhead. There are no classes here.
ApiResult<> admit_overhead(Admission& admission) {
  if (!creates_pod(admission) || !admission.object->at("spec").has("overhead")) return {};
  return refuse(admission, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
}

/// Source: kubernetes/pkg/registry/core/pod/strategy.go, applySchedulingGatedCondition.
ApiResult<> admit_scheduling_gates(const Api& api, Admission& admission) {
  if (!creates_pod(admission) || admission.object->at("spec", "schedulingGates").empty()) return {};
  Value gated = Value::object({{"type", "PodScheduled"},
                               {"status", "False"},
                               {"lastProbeTime", nullptr},
                               {"lastTransitionTime", format_time(api.clock().now())},
                               {"reason", "SchedulingGated"},
                               {"message", "Scheduling is blocked due to non-empty scheduling gates"}});
  admission.object->make("status").set("conditions", Value::array({std::move(gated)}));
  return {};
}

/// Source: kubernetes/pkg/apis/core/v1/helper/qos/qos.go, ComputePodQOS.
ApiResult<> admit_qos(Admission& admission) {
  if (!creates_pod(admission)) return {};
  bool any = false;
  bool guaranteed = true;
  for (const std::string_view list : {"initContainers", "containers"}) {
    for (const Value& container : admission.object->at("spec", list).items()) {
      const auto requests = amounts(container.at("resources", "requests"));
      const auto limits = amounts(container.at("resources", "limits"));
      any = any || !requests.empty() || !limits.empty();
      guaranteed = guaranteed && limits.size() == 2 && requests == limits;
    }
  }
  const std::string_view qos = !any ? "BestEffort" : (guaranteed ? "Guaranteed" : "Burstable");
  admission.object->make("status").set("qosClass", qos);
  return {};
}

}  // namespace fairlead::api
