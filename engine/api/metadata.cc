#include "engine/api/metadata.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/hash.h"

namespace fairlead::api {
namespace {

constexpr std::size_t kMaxGeneratedPrefix = 58;  ///< So that prefix and suffix make a DNS label of 63.

bool is_builtin_group(std::string_view group) {
  static const std::set<std::string_view> kGroups = {"",
                                                     "apps",
                                                     "batch",
                                                     "autoscaling",
                                                     "policy",
                                                     "networking.k8s.io",
                                                     "rbac.authorization.k8s.io",
                                                     "storage.k8s.io",
                                                     "scheduling.k8s.io",
                                                     "coordination.k8s.io",
                                                     "discovery.k8s.io",
                                                     "events.k8s.io",
                                                     "node.k8s.io",
                                                     "admissionregistration.k8s.io",
                                                     "apiextensions.k8s.io",
                                                     "apiregistration.k8s.io",
                                                     "certificates.k8s.io",
                                                     "flowcontrol.apiserver.k8s.io",
                                                     "resource.k8s.io",
                                                     "authentication.k8s.io",
                                                     "authorization.k8s.io"};
  return kGroups.contains(group);
}

void restore(Value& object, const Value& before, std::string_view member) {
  if (const Value* old = before.find(member)) {
    object.set(member, *old);
  } else {
    object.erase(member);
  }
}

std::string digest(std::uint64_t seed, std::uint64_t ordinal, std::string_view what, std::string_view purpose) {
  return sha256_hex(fmt::format("{}/{}/{}/{}", purpose, seed, ordinal, what));
}

std::uint64_t hex_number(std::string_view hex) {
  std::uint64_t out = 0;
  for (const char c : hex) out = out * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return out;
}

/// Everything but metadata, status and the version that it was written in, and for Deployments also annotations (they
/// carry the pod template's revision).
bool same_intent(const Resource& resource, const Value& a, const Value& b) {
  std::size_t count = 0;
  const auto counted = [](const Member& m) {
    return m.key != "metadata" && m.key != "status" && m.key != "apiVersion";
  };
  for (const Member& member : a.members()) {
    if (!counted(member)) continue;
    ++count;
    const Value* other = b.find(member.key);
    if (other == nullptr || !(*other == member.value)) return false;
  }
  if (std::ranges::count_if(b.members(), counted) != static_cast<std::ptrdiff_t>(count)) return false;
  const bool annotations_count = resource.group == "apps" && resource.kind == "Deployment";
  return !annotations_count || a.at("metadata", "annotations") == b.at("metadata", "annotations");
}

ApiResult<> check_new_finalizers(const Resource& resource, const Value& before, const Value& object) {
  if (!before.at("metadata").has("deletionTimestamp")) return {};
  const Value::Array& old = before.at("metadata", "finalizers").items();
  for (const Value& finalizer : object.at("metadata", "finalizers").items()) {
    if (std::ranges::find(old, finalizer) != old.end()) continue;
    FieldError error{FieldError::Reason::kForbidden, "metadata.finalizers",
                     fmt::format("Forbidden: no new finalizers can be added if the object is being deleted, found new "
                                 "finalizers []string{{\"{}\"}}",
                                 finalizer.str())};
    return std::unexpected(Status::invalid(resource, before.at("metadata", "name").str(), {std::move(error)}));
  }
  return {};
}

/// The part of the object that a subresource owns comes from `object`, everything else from `before`.
void keep_to_subresource(const Resource& resource, Subresource subresource, const Value& before, Value& object) {
  if (subresource == Subresource::kNone) {
    if (resource.has_status) restore(object, before, "status");
    // Source: pkg/registry/core/service/strategy.go, dropTypeDependentFields.
    const bool of_service = resource.group.empty() && resource.kind == "Service";
    if (of_service && object.at("spec", "type").str() != "LoadBalancer" && object.at("status").has("loadBalancer"))
      object["status"].set("loadBalancer", Value::object());
    const bool own_verbs = (resource.group.empty() && resource.kind == "Namespace") ||
                           (resource.group == "certificates.k8s.io" && resource.kind == "CertificateSigningRequest");
    if (own_verbs) restore(object, before, "spec");
    return;
  }
  Value out = before;
  if (subresource == Subresource::kStatus) restore(out, object, "status");
  if (subresource == Subresource::kFinalize) restore(out, object, "spec");
  // The kubelet's status patches carry annotations and labels of its Node; a Deployment's revision is an annotation.
  const bool of_node = resource.group.empty() && resource.kind == "Node";
  const bool of_deployment = resource.group == "apps" && resource.kind == "Deployment";
  if (subresource == Subresource::kStatus && (of_node || of_deployment)) {
    restore(out.make("metadata"), object.at("metadata"), "annotations");
  }
  if (subresource == Subresource::kStatus && of_node) restore(out.make("metadata"), object.at("metadata"), "labels");
  object = std::move(out);
}

/// A version that was stored once stays listed, for objects may still be kept as it had them.
/// Source: apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go, PrepareForUpdate.
void list_stored_version(Value& definition) {
  for (const Value& version : definition.at("spec", "versions").items()) {
    if (!version.at("storage").bool_or(false)) continue;
    Value& stored = definition.make("status", "storedVersions");
    if (std::ranges::find(stored.items(), version.at("name")) == stored.items().end())
      stored.push_back(version.at("name"));
    return;
  }
}

}  // namespace

std::string make_uid(std::uint64_t seed, std::uint64_t ordinal, std::string_view what) {
  std::string hex = digest(seed, ordinal, what, "uid").substr(0, 32);
  hex[12] = '4';
  hex[16] = "89ab"[hex_number(hex.substr(16, 1)) % 4];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20));
}

std::string make_suffix(std::uint64_t seed, std::uint64_t ordinal, std::string_view what) {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::uint64_t number = hex_number(digest(seed, ordinal, what, "name").substr(0, 15));
  std::string out;
  for (int i = 0; i < 5; ++i, number /= kAlphabet.size()) out += kAlphabet[number % kAlphabet.size()];
  return out;
}

bool counts_generation(const Resource& resource) {
  static const std::set<std::pair<std::string_view, std::string_view>> kBuiltin = {
      {"", "Pod"},
      {"", "ReplicationController"},
      {"apps", "Deployment"},
      {"apps", "ReplicaSet"},
      {"apps", "StatefulSet"},
      {"apps", "DaemonSet"},
      {"batch", "Job"},
      {"batch", "CronJob"},
      {"policy", "PodDisruptionBudget"},
      {"networking.k8s.io", "Ingress"},
      {"networking.k8s.io", "IngressClass"},
      {"networking.k8s.io", "NetworkPolicy"},
      {"discovery.k8s.io", "EndpointSlice"},
      {"scheduling.k8s.io", "PriorityClass"},
      {"apiextensions.k8s.io", "CustomResourceDefinition"},
      {"admissionregistration.k8s.io", "ValidatingAdmissionPolicy"},
      {"admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"},
      {"admissionregistration.k8s.io", "MutatingAdmissionPolicy"},
      {"admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"},
      {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"},
      {"admissionregistration.k8s.io", "MutatingWebhookConfiguration"},
      {"flowcontrol.apiserver.k8s.io", "FlowSchema"},
      {"flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"}};
  return !is_builtin_group(resource.group) || kBuiltin.contains({resource.group, resource.kind});
}

ApiResult<> check_request_namespace(std::string_view ns, const Value& object) {
  const std::string_view own = object.at("metadata", "namespace").str();
  if (own.empty() || own == ns) return {};
  return std::unexpected(
      Status::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
}

ApiResult<> prepare_new_metadata(const Resource& resource, std::string_view ns, Value& object) {
  Value& metadata = object["metadata"];
  if (!metadata.at("resourceVersion").str().empty()) {
    return std::unexpected(Status::bad_request("resourceVersion should not be set on objects to be created"));
  }
  if (!resource.namespaced) {
    metadata.erase("namespace");
  } else {
    const std::string_view own = metadata.at("namespace").str();
    if (!ns.empty()) {
      if (auto ok = check_request_namespace(ns, object); !ok) return ok;
    }
    if (own.empty() && ns.empty()) {
      return std::unexpected(Status::bad_request("an empty namespace may not be set during creation"));
    }
    if (own.empty()) metadata.set("namespace", ns);
  }
  constexpr std::array<std::string_view, 8> kServerOwned = {
      "uid",        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
      "generation", "selfLink",          "managedFields",     "resourceVersion"};
  for (const std::string_view member : kServerOwned) metadata.erase(member);
  const std::string_view prefix = metadata.at("generateName").str();
  if (metadata.at("name").str().empty() && prefix.size() > kMaxGeneratedPrefix) {
    metadata.set("generateName", std::string(prefix.substr(0, kMaxGeneratedPrefix)));
  }
  return {};
}

void prepare_new_status(const Resource& resource, Value& object) {
  const bool core = resource.group.empty();
  if (core && resource.kind == "Node") return;  // Nodes bring their status along.
  if (resource.has_status) object.erase("status");
  if (!core) return;
  if (resource.kind == "Pod" || resource.kind == "PersistentVolume" || resource.kind == "PersistentVolumeClaim") {
    object.make("status").set("phase", "Pending");
  } else if (resource.kind == "Namespace") {
    object.make("status").set("phase", "Active");
    Value& finalizers = object.make("spec", "finalizers");
    const Value kubernetes("kubernetes");
    if (std::ranges::find(finalizers.items(), kubernetes) == finalizers.items().end()) {
      finalizers.push_back(kubernetes);
    }
  }
}

ApiResult<> prepare_update(const Resource& resource, Subresource subresource, const Value& before, Value& object) {
  keep_to_subresource(resource, subresource, before, object);
  const bool definition = resource.group == "apiextensions.k8s.io" && resource.kind == "CustomResourceDefinition";
  if (definition && subresource == Subresource::kNone) list_stored_version(object);
  const Value& old = before.at("metadata");
  Value& metadata = object["metadata"];
  for (const std::string_view member : {"name", "namespace", "uid", "creationTimestamp", "generation",
                                        "deletionTimestamp", "deletionGracePeriodSeconds", "generateName"}) {
    restore(metadata, old, member);
  }
  metadata.erase("selfLink");
  metadata.erase("managedFields");
  metadata.set("resourceVersion", old.at("resourceVersion"));
  if (auto ok = check_new_finalizers(resource, before, object); !ok) return ok;
  const bool spec_written = subresource == Subresource::kNone || subresource == Subresource::kScale;
  if (spec_written && counts_generation(resource) && !same_intent(resource, before, object)) {
    metadata.set("generation", old.at("generation").int_or(0) + 1);
  }
  return {};
}

}  // namespace fairlead::api
