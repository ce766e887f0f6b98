// Security contexts of pods and of containers. Source: pkg/apis/core/validation/validation.go,
// validatePodSpecSecurityContext and ValidateSecurityContext.
#include <limits>

#include "engine/api/schema_names.h"
#include "engine/api/schema_type.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::size_t kMostProfile = 4095;  ///< Bytes of a path.

void check_id(const Value& id, const std::string& path, Findings& findings) {
  check_between(id, 0, std::numeric_limits<std::int32_t>::max(), path, findings);
}

void check_seccomp(const Value& profile, const std::string& path, Findings& findings) {
  if (profile.is_null()) return;
  const std::string_view type = profile.at("type").str();
  if (type.empty()) {
    findings.required(path + ".type", "type is required when seccompProfile is set");
  } else {
    check_one_of(profile.at("type"), {"Localhost", "RuntimeDefault", "Unconfined"}, path + ".type", findings);
  }
  const Value& file = profile.at("localhostProfile");
  if (type != "Localhost") {
    if (!file.is_null())
      findings.invalid(path + ".localhostProfile", profile, "can only be set when seccomp type is Localhost");
  } else if (file.is_null()) {
    findings.required(path + ".localhostProfile", "must be set when seccomp type is Localhost");
  } else {
    check_descending_path(file, path + ".localhostProfile", findings);
  }
}

void check_app_armor(const Value& profile, const std::string& path, Findings& findings) {
  if (profile.is_null()) return;
  const std::string_view type = profile.at("type").str();
  const Value& name = profile.at("localhostProfile");
  const std::string where = path + ".localhostProfile";
  if (type.empty()) return findings.required(path + ".type", "type is required when appArmorProfile is set");
  check_one_of(profile.at("type"), {"Localhost", "RuntimeDefault", "Unconfined"}, path + ".type", findings);
  if (type == "RuntimeDefault" || type == "Unconfined") {
    if (!name.is_null()) findings.invalid(where, name, "can only be set when AppArmor type is Localhost");
  } else if (type == "Localhost") {
    const std::string_view text = name.str();
    if (text.starts_with(' ') || text.ends_with(' ')) {
      findings.invalid(where, name, "must not be padded with whitespace");
    } else if (text.empty()) {
      findings.required(where, "must be set when AppArmor type is Localhost");
    }
    if (text.size() > kMostProfile) findings.too_long(where, static_cast<std::int64_t>(kMostProfile));
  }
}

void check_sysctls(const Value& sysctls, const std::string& path, Findings& findings) {
  for (std::size_t i = 0; i < sysctls.size(); ++i) {
    const std::string_view name = sysctls.at(i, "name").str();
    const std::string where = index_path(path, i) + ".name";
    if (name.empty()) {
      findings.required(where);
    } else if (name.contains(' ')) {
      findings.invalid(where, sysctls.at(i, "name"),
                       "must have at most 253 characters and match regex "
                       "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    }
  }
}

}  // namespace

void check_pod_context(const Value& spec, const std::string& path, Findings& findings) {
  const Value& context = spec.at("securityContext");
  const std::string where = path + ".securityContext";
  for (const std::string_view field : {"runAsUser", "runAsGroup", "fsGroup"})
    check_id(context.at(field), child_path(where, field), findings);
  const Value& groups = context.at("supplementalGroups");
  for (std::size_t i = 0; i < groups.size(); ++i)
    check_id(groups.at(i), index_path(where + ".supplementalGroups", i), findings);
  const bool host_pid = spec.at("hostPID").bool_or(false);
  if (host_pid && spec.at("shareProcessNamespace").bool_or(false)) {
    findings.invalid(where + ".shareProcessNamespace", true,
                     "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  check_sysctls(context.at("sysctls"), where + ".sysctls", findings);
  check_one_of(context.at("fsGroupChangePolicy"), {"Always", "OnRootMismatch"}, where + ".fsGroupChangePolicy",
               findings);
  check_seccomp(context.at("seccompProfile"), where + ".seccompProfile", findings);
  check_app_armor(context.at("appArmorProfile"), where + ".appArmorProfile", findings);
  check_one_of(context.at("supplementalGroupsPolicy"), {"Merge", "Strict"}, where + ".supplementalGroupsPolicy",
               findings);
  check_one_of(context.at("seLinuxChangePolicy"), {"Recursive"}, where + ".seLinuxChangePolicy", findings);
  if (spec.at("hostUsers").bool_or(true)) return;
  // Upstream names two of them as its own structs do.
  if (spec.at("hostNetwork").bool_or(false)) findings.forbidden(path + ".hostNetwork", "when `hostUsers` is false");
  if (host_pid) findings.forbidden(path + ".HostPID", "when `hostUsers` is false");
  if (spec.at("hostIPC").bool_or(false)) findings.forbidden(path + ".HostIPC", "when `hostUsers` is false");
}

void check_container_context(const Value& context, bool host_users, const std::string& path, Findings& findings) {
  for (const std::string_view field : {"runAsUser", "runAsGroup"})
    check_id(context.at(field), child_path(path, field), findings);
  const Value& mount = context.at("procMount");
  check_one_of(mount, {"Default", "Unmasked"}, path + ".procMount", findings);
  if (host_users && mount.str() == "Unmasked")
    findings.invalid(path + ".procMount", mount, "`hostUsers` must be false to use `Unmasked`");
  check_seccomp(context.at("seccompProfile"), path + ".seccompProfile", findings);
  check_app_armor(context.at("appArmorProfile"), path + ".appArmorProfile", findings);
  if (context.at("allowPrivilegeEscalation").bool_or(true)) return;
  if (context.at("privileged").bool_or(false)) {
    findings.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
  // Runtimes know capabilities without the prefix, too; upstream looks for the one with it alone.
  for (const Value& capability : context.at("capabilities", "add").items()) {
    if (capability.str() != "CAP_SYS_ADMIN") continue;
    findings.invalid(path, context,
                     "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
  }
}

}  // namespace fairlead::api
