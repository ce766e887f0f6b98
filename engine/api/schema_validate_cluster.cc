// Nodes, volumes and claims to them, classes, events and leases.
// Sources: pkg/apis/{core,storage,scheduling,coordination}/validation/validation.go,
// pkg/apis/core/validation/events.go.
#include <algorithm>
#include <set>

#include "base/quantity.h"
#include "engine/api/schema_names.h"
#include "engine/api/schema_type.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::int64_t kHighestPriority = 1'000'000'000;  ///< That a user may define.

void check_access_modes(const Value& modes, const std::string& path, Findings& findings) {
  bool one_pod = false;
  bool others = false;
  for (const Value& mode : modes.items()) {
    check_one_of(mode, {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"}, path, findings);
    one_pod = one_pod || mode.str() == "ReadWriteOncePod";
    others = others || mode.str() == "ReadOnlyMany" || mode.str() == "ReadWriteMany" || mode.str() == "ReadWriteOnce";
  }
  if (one_pod && others) findings.forbidden(path, "may not use ReadWriteOncePod with other access modes");
}

void check_class_name(const Value& name, const std::string& path, Findings& findings) {
  const std::string why = name.str().empty() ? std::string() : bad_subdomain(name.str());
  if (!why.empty()) findings.invalid(path, name, why);
}

/// Upstream says "metadata" where they stand in spec.
void check_taints(const Value& taints, Findings& findings) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < taints.size(); ++i) {
    const Value& taint = taints.at(i);
    const std::string where = index_path("metadata.taints", i);
    if (const std::string why = bad_qualified_name(taint.at("key").str()); !why.empty())
      findings.invalid(where + ".key", taint.at("key"), why);
    if (const std::string why = bad_label_value(taint.at("value").str()); !why.empty())
      findings.invalid(where + ".value", taint.at("value"), why);
    const std::string_view effect = taint.at("effect").str();
    if (effect.empty()) {
      findings.required(where + ".effect");
    } else {
      check_one_of(taint.at("effect"), {"NoSchedule", "PreferNoSchedule", "NoExecute"}, where + ".effect", findings);
    }
    if (!seen.insert(fmt::format("{}:{}", taint.at("key").str(), effect)).second) findings.duplicate(where, taint);
  }
}

void check_pod_ranges(const Value& ranges, Findings& findings) {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (const std::string why = bad_range(ranges.at(i).str()); !why.empty())
      findings.invalid(index_path("spec.podCIDRs", i), ranges.at(i), why);
  }
  const auto is_new = [](const Value& range) { return range.str().contains(':'); };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(ranges.items(), is_new));
  if (ranges.size() > 1 && (ranges.size() > 2 || count != 1))
    findings.invalid("spec.podCIDRs", ranges, "may specify no more than one CIDR for each IP family");
}

void check_volume_spec(const Value& spec, Findings& findings) {
  static const std::set<std::string_view> kNoSource{"accessModes",      "capacity",
                                                    "claimRef",         "mountOptions",
                                                    "nodeAffinity",     "persistentVolumeReclaimPolicy",
                                                    "storageClassName", "volumeAttributesClassName",
                                                    "volumeMode"};
  const Value& capacity = spec.at("capacity");
  if (spec.at("accessModes").empty()) findings.required("spec.accessModes");
  check_access_modes(spec.at("accessModes"), "spec.accessModes", findings);
  if (capacity.empty()) findings.required("spec.capacity");
  if (!capacity.has("storage") || capacity.size() > 1) findings.not_supported("spec.capacity", capacity, {"storage"});
  for (const Member& member : capacity.members()) {
    if (Quantity::of(member.value).nano <= 0)
      findings.invalid(key_path("spec.capacity", member.key), member.value, "must be greater than zero");
  }
  check_one_of(spec.at("persistentVolumeReclaimPolicy"), {"Delete", "Recycle", "Retain"},
               "spec.persistentVolumeReclaimPolicy", findings);
  bool found = false;
  for (const Member& member : spec.members()) {
    if (kNoSource.contains(member.key) || member.value.is_null()) continue;
    const std::string where = child_path("spec", member.key);
    if (found) {
      findings.forbidden(where, "may not specify more than 1 volume type");
      continue;
    }
    found = true;
    // Secrets of volumes of the cluster name their namespace, which those of pods' volumes do not.
    if (member.key != "azureFile") check_volume_source(member.key, member.value, where, findings);
    if (member.key == "csi" && member.value.at("volumeHandle").str().empty())
      findings.required(where + ".volumeHandle");
    if (member.key == "local" && member.value.at("path").str().empty()) findings.required(where + ".path");
  }
  if (!found) findings.required("spec", "must specify a volume type");
  if (!spec.at("local").is_null() && spec.at("nodeAffinity").is_null())
    findings.required("spec.nodeAffinity", "Local volume requires node affinity");
  check_class_name(spec.at("storageClassName"), "spec.storageClassName", findings);
  check_one_of(spec.at("volumeMode"), {"Block", "Filesystem"}, "spec.volumeMode", findings);
}

}  // namespace

void check_node(const Value& object, const Value* before, Findings& findings) {
  const Value& spec = object.at("spec");
  check_taints(spec.at("taints"), findings);
  if (before == nullptr) return check_pod_ranges(spec.at("podCIDRs"), findings);
  const Value& old = before->at("spec");
  if (!old.at("podCIDRs").empty() && old.at("podCIDRs") != spec.at("podCIDRs"))
    findings.forbidden("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid");
  if (!old.at("providerID").str().empty() && old.at("providerID") != spec.at("providerID"))
    findings.forbidden("spec.providerID", "node updates may not change providerID except from \"\" to valid");
}

void check_event(const Value& object, const Value*, Findings& findings) {
  const std::string_view ns = object.at("metadata", "namespace").str();
  const Value involved(object.at("involvedObject", "namespace").str());
  const bool is_new = !object.at("eventTime").is_null();
  const bool nowhere = involved.str().empty();
  const bool of_the_cluster = nowhere && (ns.empty() || ns == "default" || (is_new && ns == "kube-system"));
  const bool elsewhere = nowhere ? !of_the_cluster : !is_new && involved.str() != ns;
  if (elsewhere) findings.invalid("involvedObject.namespace", involved, "does not match event.namespace");
  if (!is_new) return;
  struct Text {
    std::string_view field;
    std::size_t most;
  };
  const Value& reporter = object.at("reportingComponent");
  if (reporter.str().empty()) findings.required("reportingComponent");
  if (const std::string why = bad_qualified_name(reporter.str()); !why.empty())
    findings.invalid("reportingComponent", Value(reporter.str()), why);
  for (const Text& text : {Text{"reportingInstance", 128}, Text{"action", 128}, Text{"reason", 128}}) {
    const std::string_view value = object.at(text.field).str();
    if (value.empty()) findings.required(std::string(text.field));
    if (value.size() > text.most)
      findings.invalid(std::string(text.field), "", fmt::format("can have at most {} characters", text.most));
  }
  constexpr std::size_t kMostMessage = 1024;
  if (object.at("message").str().size() > kMostMessage)
    findings.invalid("message", "", fmt::format("can have at most {} characters", kMostMessage));
}

void check_lease(const Value& object, const Value*, Findings& findings) {
  const Value& duration = object.at("spec", "leaseDurationSeconds");
  if (duration.is_int() && duration.int_or(0) <= 0)
    findings.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0");
  check_least(object.at("spec", "leaseTransitions"), 0, "spec.leaseTransitions", findings);
}

void check_claim_spec(const Value& spec, const std::string& path, Findings& findings) {
  const Value& modes = spec.at("accessModes");
  if (modes.empty()) findings.required(path + ".accessModes", "at least 1 access mode is required");
  check_access_modes(modes, path + ".accessModes", findings);
  const Value& storage = spec.at("resources", "requests", "storage");
  const std::string where = path + ".resources[storage]";
  if (storage.is_null()) {
    findings.required(where);
  } else if (Quantity::of(storage).nano <= 0) {
    findings.invalid(where, storage, "must be greater than zero");
  }
  check_class_name(spec.at("storageClassName"), path + ".storageClassName", findings);
  check_one_of(spec.at("volumeMode"), {"Block", "Filesystem"}, path + ".volumeMode", findings);
}

void check_claim(const Value& object, const Value*, Findings& findings) {
  check_claim_spec(object.at("spec"), "spec", findings);
}

void check_volume(const Value& object, const Value*, Findings& findings) {
  check_volume_spec(object.at("spec"), findings);
}

void check_storage_class(const Value& object, const Value* before, Findings& findings) {
  const Value& provisioner = object.at("provisioner");
  if (provisioner.str().empty()) {
    findings.required("provisioner");
  } else {
    std::string lower(provisioner.str());
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (const std::string why = bad_qualified_name(lower); !why.empty()) findings.invalid("provisioner", lower, why);
  }
  check_one_of(object.at("reclaimPolicy"), {"Delete", "Retain"}, "reclaimPolicy", findings);
  check_one_of(object.at("volumeBindingMode"), {"Immediate", "WaitForFirstConsumer"}, "volumeBindingMode", findings);
  if (before == nullptr) return;
  for (const std::string_view field : {"parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"})
    check_immutable(object.at(field), before->at(field), std::string(field), findings);
}

void check_priority_class(const Value& object, const Value* before, Findings& findings) {
  const std::string_view name = object.at("metadata", "name").str();
  if (before != nullptr) {
    if (object.at("value") != before->at("value")) findings.forbidden("value", "may not be changed in an update.");
    return check_immutable(object.at("preemptionPolicy"), before->at("preemptionPolicy"), "preemptionPolicy", findings);
  }
  if (name.starts_with("system-")) {
    if (name != "system-node-critical" && name != "system-cluster-critical") {
      findings.forbidden("metadata.name",
                         fmt::format("priority class names with 'system-' prefix are reserved for system use only. "
                                     "error: {} is not a known system priority class",
                                     name));
    }
  } else if (object.at("value").int_or(0) > kHighestPriority) {
    findings.forbidden("value",
                       fmt::format("maximum allowed value of a user defined priority is {}", kHighestPriority));
  }
  check_one_of(object.at("preemptionPolicy"), {"PreemptLowerPriority", "Never"}, "preemptionPolicy", findings);
}

}  // namespace fairlead::api
