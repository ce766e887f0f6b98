#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/quantity.h"
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

void set_priority(Value& spec, std::string_view name, std::int64_t value, std::string_view policy) {
  if (!name.empty()) spec.set("priorityClassName", name);
  spec.set("priority", value);
  if (!spec.has("preemptionPolicy")) spec.set("preemptionPolicy", policy.empty() ? "PreemptLowerPriority" : policy);
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

ApiResult<> admit_priority(const Api& api, Admission& admission) {
  if (!creates_pod(admission)) return {};
  Value& spec = (*admission.object)["spec"];
  const Resource& classes = api.schema().resource("scheduling.k8s.io", "priorityclasses");
  const std::string name(spec.at("priorityClassName").str());
  if (name.empty()) {
    ObjectPtr chosen;
    for (const ObjectPtr& one : api.list(classes)) {
      const bool lower = !chosen || one->at("value").int_or(0) < chosen->at("value").int_or(0);
      if (one->at("globalDefault").bool_or(false) && lower) chosen = one;
    }
    if (chosen) {
      set_priority(spec, chosen->name(), chosen->at("value").int_or(0), chosen->at("preemptionPolicy").str());
    } else {
      set_priority(spec, {}, 0, {});
    }
    return {};
  }
  if (const ObjectPtr found = api.get(classes, {}, name)) {
    set_priority(spec, name, found->at("value").int_or(0), found->at("preemptionPolicy").str());
    return {};
  }
  const auto* const builtin = std::ranges::find(kBuiltinPriorities, name, [](const auto& p) { return p.first; });
  if (builtin == kBuiltinPriorities.end()) return no_such_class(admission, name);
  set_priority(spec, name, builtin->second, {});
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
