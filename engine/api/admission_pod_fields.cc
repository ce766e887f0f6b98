// Fields of pods that the schema knows and nothing here acts on.
#include <algorithm>
#include <array>
#include <span>

#include "engine/api/admission.h"

namespace fairlead::api {
namespace {

struct Gap {
  std::array<std::string_view, 3> path;  ///< Of a pod's spec or of a container; empty from its end on.
  bool changes_what_runs = false;
  std::string_view consequence;
  /// Where only one value matters: how a text begins, "false", or a member of the items of a list that must have it.
  std::string_view member{};
  std::string_view only{};
};

constexpr auto kPodGaps = std::to_array<Gap>({
    {{"hostNetwork"}, true, "every pod here has a network of its own"},
    {{"hostPID"}, true, "every container here sees its own processes only"},
    {{"hostIPC"}, true, "every pod here has its own"},
    {{"shareProcessNamespace"}, true, "every container here sees its own processes only"},
    {{"runtimeClassName"}, true, "there is one container runtime here, crun"},
    {{"resourceClaims"}, true, "there are no devices to claim here"},
    {{"securityContext", "sysctls"}, true, "they are not set here"},
    {{"hostnameOverride"}, true, "the host name is made of the pod's hostname or its name"},
    {{"hostUsers"}, false, "its user namespace is the one that every pod has here", {}, "false"},
    {{"resources"}, false, "containers have requests and limits of their own, the pod as a whole has none"},
    {{"securityContext", "supplementalGroupsPolicy"},
     false,
     "groups that its image gives the user are not added",
     {},
     "Merge"},
    {{"setHostnameAsFQDN"}, false, "the host name stays the short one"},
    {{"securityContext", "seLinuxOptions"}, false, "SELinux is left as this machine has it"},
    {{"securityContext", "appArmorProfile"}, false, "it is not confined by it here", "type", "Localhost"},
    {{"os"}, true, "containers here are Linux containers", "name", "windows"},
    {{"securityContext", "windowsOptions"}, false, "containers here are Linux containers"},
    {{"affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution"},
     false,
     "the pod is placed without regard to others"},
    {{"affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"},
     false,
     "the pod may share a node with those"},
    {{"topologySpreadConstraints"},
     false,
     "the pod is placed without regard to others",
     "whenUnsatisfiable",
     "DoNotSchedule"},
});

/// Limits of CPU are none of them, though nothing enforces them here: every service has one, so a warning with every
/// write would only teach people to read over warnings. `fairlead doctor` says it once. A request for huge pages leaves
/// its pod Pending, as on any node without them.
constexpr auto kContainerGaps = std::to_array<Gap>({
    {{"volumeDevices"}, true, "there are no block volumes here"},
    {{"resources", "claims"}, true, "there are no devices to claim here"},
    {{"restartPolicyRules"}, true, "containers here restart by restartPolicy alone"},
    {{"resources", "limits", "ephemeral-storage"}, false, "what it writes is not measured"},
    {{"securityContext", "procMount"}, false, "/proc is mounted as ever", {}, "Unmasked"},
    {{"securityContext", "seLinuxOptions"}, false, "SELinux is left as this machine has it"},
    {{"securityContext", "appArmorProfile"}, false, "it is not confined by it here", "type", "Localhost"},
    {{"stdin"}, false, "nobody can attach to it here"},
    {{"tty"}, false, "nobody can attach to it here"},
});

constexpr auto kMountGaps = std::to_array<Gap>({
    {{"mountPropagation"}, true, "what a container mounts is seen by nobody else", {}, "Bidirectional"},
    {{"mountPropagation"}, false, "what is mounted there later is not seen", {}, "HostToContainer"},
    {{"recursiveReadOnly"}, true, "what is mounted below it can be written to", {}, "Enabled"},
});

constexpr auto kVariableGaps = std::to_array<Gap>({
    {{"valueFrom", "fileKeyRef"}, true, "no variable is read from a volume's file here"},
});

constexpr auto kVolumeGaps = std::to_array<Gap>({
    {{"emptyDir", "medium"}, true, "there are no huge pages here", {}, "HugePages"},
});

/// Those of a volume that lies on the disk; one in memory has its size.
constexpr auto kDiskGaps =
    std::to_array<Gap>({{{"emptyDir", "sizeLimit"}, false, "what is written to it is not measured"}});

constexpr auto kSourceGaps = std::to_array<Gap>({
    {{"clusterTrustBundle"}, true, "there are no bundles of trust here"},
    {{"podCertificate"}, true, "nobody signs certificates of pods here"},
});

bool asks(const Gap& gap, const Value& value) {
  if (!gap.member.empty() && value.is_array()) {
    return std::ranges::any_of(value.items(), [&](const Value& item) { return item.at(gap.member).str() == gap.only; });
  }
  if (!gap.member.empty()) return value.at(gap.member).str() == gap.only;
  if (value.is_bool()) return value.bool_or(false) == (gap.only != "false");
  if (!gap.only.empty()) return value.str().starts_with(gap.only);
  return value.is_string() ? !value.str().empty() : !value.empty();
}

struct Found {
  std::string field;
  const Gap* gap = nullptr;
};

void find(std::span<const Gap> gaps, const Value& tree, const std::string& where, std::vector<Found>& out) {
  for (const Gap& gap : gaps) {
    const Value* value = &tree;
    std::string field = where;
    for (const std::string_view part : gap.path) {
      if (part.empty()) break;
      value = &value->at(part);
      field += fmt::format(".{}", part);
    }
    if (!value->is_null() && asks(gap, *value)) out.push_back({std::move(field), &gap});
  }
}

/// The items of a list, each with its place. What the list of a custom kind is, is validated only later.
void find_in(std::span<const Gap> gaps, const Value& list, const std::string& where, std::vector<Found>& out) {
  std::size_t index = 0;
  for (const Value& item : list.items()) find(gaps, item, fmt::format("{}[{}]", where, index++), out);
}

std::vector<Found> gaps_of(const Value& spec, const std::string& where) {
  std::vector<Found> out;
  find(kPodGaps, spec, where, out);
  for (const std::string_view list : {"initContainers", "containers"}) {
    std::size_t index = 0;
    for (const Value& container : spec.at(list).items()) {
      const std::string name = fmt::format("{}.{}[{}]", where, list, index++);
      find(kContainerGaps, container, name, out);
      find_in(kMountGaps, container.at("volumeMounts"), name + ".volumeMounts", out);
      find_in(kVariableGaps, container.at("env"), name + ".env", out);
    }
  }
  std::size_t index = 0;
  for (const Value& volume : spec.at("volumes").items()) {
    const std::string name = fmt::format("{}.volumes[{}]", where, index++);
    find(kVolumeGaps, volume, name, out);
    find_in(kSourceGaps, volume.at("projected", "sources"), name + ".projected.sources", out);
    if (volume.at("emptyDir", "medium").str() != "Memory") find(kDiskGaps, volume, name, out);
  }
  return out;
}

}  // namespace

ApiResult<> admit_pod_fields(Admission& admission) {
  const Value& spec = written_pod_spec(admission);
  if (!spec.is_object() || !admission.resource->acted_on) return {};
  const bool pod = is_pod(*admission.resource);
  if (pod && admission.operation != Admission::Operation::kCreate) return {};
  std::string refused;
  for (const Found& found : gaps_of(spec, pod ? "spec" : "spec.template.spec")) {
    const std::string text = fmt::format("{} is not acted on here: {}", found.field, found.gap->consequence);
    if (pod && found.gap->changes_what_runs) {
      refused += (refused.empty() ? "" : "; ") + text;
    } else if (admission.warnings != nullptr) {
      admission.warnings->push_back(text);
    }
  }
  if (refused.empty()) return {};
  return std::unexpected(
      Status::forbidden(*admission.resource, admission.object->at("metadata", "name").str(), refused));
}

}  // namespace fairlead::api
