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
  /// Where only one value matters: a text, or a member of the items of a list that must have it.
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

/// Those of a volume that lies on the disk; one in memory has its size.
constexpr auto kVolumeGaps =
    std::to_array<Gap>({{{"emptyDir", "sizeLimit"}, false, "what is written to it is not measured"}});

bool asks(const Gap& gap, const Value& value) {
  if (!gap.member.empty() && value.is_array()) {
    return std::ranges::any_of(value.items(), [&](const Value& item) { return item.at(gap.member).str() == gap.only; });
  }
  if (!gap.member.empty()) return value.at(gap.member).str() == gap.only;
  if (!gap.only.empty()) return value.str() == gap.only;
  if (value.is_bool()) return value.bool_or(false);
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

std::vector<Found> gaps_of(const Value& spec, const std::string& where) {
  std::vector<Found> out;
  find(kPodGaps, spec, where, out);
  for (const std::string_view list : {"initContainers", "containers"}) {
    std::size_t index = 0;  // What the list of a custom kind is, is validated only later.
    for (const Value& container : spec.at(list).items())
      find(kContainerGaps, container, fmt::format("{}.{}[{}]", where, list, index++), out);
  }
  std::size_t index = 0;
  for (const Value& volume : spec.at("volumes").items()) {
    const std::string name = fmt::format("{}.volumes[{}]", where, index++);
    if (volume.at("emptyDir", "medium").str() != "Memory") find(kVolumeGaps, volume, name, out);
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
