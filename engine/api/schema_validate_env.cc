// The environment of containers, and what it and volumes refer to. Source: pkg/apis/core/validation/validation.go,
// ValidateEnv, ValidateEnvFrom, validateObjectFieldSelector and validateContainerResourceFieldSelector.
#include <algorithm>
#include <array>

#include "base/quantity.h"
#include "engine/api/schema_names.h"
#include "engine/api/schema_type.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

const std::vector<std::string_view> kEnvPaths{
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs",     "status.podIP", "status.podIPs"};
const std::vector<std::string_view> kVolumePaths{"metadata.annotations", "metadata.labels", "metadata.name",
                                                 "metadata.namespace", "metadata.uid"};
const std::vector<std::string_view> kResources{"limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
                                               "requests.cpu", "requests.ephemeral-storage", "requests.memory"};

bool one_of(const std::vector<std::string_view>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

/// "metadata.labels['a']" is the subscript "a" of "metadata.labels".
struct FieldPath {
  std::string_view path;
  std::string subscript;
  bool subscripted = false;
};

/// Source: pkg/fieldpath/fieldpath.go, SplitMaybeSubscriptedPath.
FieldPath split(std::string_view text) {
  const std::size_t open = text.find("['");
  if (!text.ends_with("']") || open == std::string_view::npos || open == 0) return {text, {}, false};
  return {text.substr(0, open), std::string(text.substr(open + 2, text.size() - open - 4)), true};
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

/// Why a pod has no such field, as upstream's conversion says; empty when it has.
std::string not_converted(const Value& reference, const FieldPath& field) {
  const std::string_view version = reference.at("apiVersion").str();
  const std::string_view text = reference.at("fieldPath").str();
  if (version != "v1") return fmt::format("unsupported pod version: {}", version);
  if (field.subscripted) {
    const bool map = field.path == "metadata.annotations" || field.path == "metadata.labels";
    return map ? "" : fmt::format("field label does not support subscript: {}", text);
  }
  return one_of(kEnvPaths, text) || one_of(kVolumePaths, text) || text == "spec.host"
             ? ""
             : fmt::format("field label not supported: {}", text);
}

void check_field(const Value& reference, const std::vector<std::string_view>& supported, const std::string& path,
                 Findings& findings) {
  const Value& text = reference.at("fieldPath");
  if (reference.at("apiVersion").str().empty()) return findings.required(path + ".apiVersion");
  if (text.str().empty()) return findings.required(path + ".fieldPath");
  FieldPath field = split(text.str());
  if (const std::string why = not_converted(reference, field); !why.empty())
    return findings.invalid(path + ".fieldPath", text, fmt::format("error converting fieldPath: {}", why));
  if (!field.subscripted) {
    if (!one_of(supported, field.path)) findings.not_supported(path + ".fieldPath", text, supported);
    return;
  }
  if (field.path == "metadata.annotations") field.subscript = lower(std::move(field.subscript));
  if (const std::string why = bad_qualified_name(field.subscript); !why.empty())
    findings.invalid(path, field.subscript, why);
}

void check_divisor(const Value& reference, const std::string& path, Findings& findings) {
  constexpr std::array<std::string_view, 2> kCpu{"1m", "1"};
  constexpr std::array<std::string_view, 13> kBytes{"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
                                                    "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
  const Quantity divisor = Quantity::of(reference.at("divisor"));
  if (divisor.nano == 0) return;
  const std::string_view name = reference.at("resource").str();
  const std::string text = divisor.text();
  if (name.ends_with(".cpu")) {
    if (std::ranges::find(kCpu, text) == kCpu.end()) {
      findings.invalid(path + ".divisor", name, "only divisor's values 1m and 1 are supported with the cpu resource");
    }
    return;
  }
  if (std::ranges::find(kBytes, text) != kBytes.end()) return;
  const std::string_view what = name.ends_with(".memory")              ? "memory"
                                : name.ends_with(".ephemeral-storage") ? "local ephemeral storage"
                                : name.contains(".hugepages-")         ? "hugepages"
                                                                       : "";
  if (what.empty()) return;
  findings.invalid(path + ".divisor", name,
                   fmt::format("only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are "
                               "supported with the {} resource",
                               what));
}

void check_resource(const Value& reference, bool in_volume, const std::string& path, Findings& findings) {
  const std::string_view name = reference.at("resource").str();
  const bool pages = name.starts_with("limits.hugepages-") || name.starts_with("requests.hugepages-");
  if (in_volume && reference.at("containerName").str().empty()) {
    findings.required(path + ".containerName");
  } else if (name.empty()) {
    findings.required(path + ".resource");
  } else if (!one_of(kResources, name) && !pages) {
    findings.not_supported(path + ".resource", reference.at("resource"), kResources);
  }
  check_divisor(reference, path, findings);
}

void check_key(const Value& reference, const std::string& path, Findings& findings) {
  if (const std::string why = bad_subdomain(reference.at("name").str()); !why.empty())
    findings.invalid(path + ".name", Value(reference.at("name").str()), why);
  if (reference.at("key").str().empty()) {
    findings.required(path + ".key");
  } else if (const std::string why = bad_config_key(reference.at("key").str()); !why.empty()) {
    findings.invalid(path + ".key", reference.at("key"), why);
  }
}

void check_value_from(const Value& source, const Value& value, const std::string& path, Findings& findings) {
  std::size_t count = 0;
  for (const std::string_view kind :
       {"fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"}) {
    const Value& reference = source.at(kind);
    if (reference.is_null()) continue;
    ++count;
    const std::string where = child_path(path, kind);
    if (kind == "fieldRef") check_field(reference, kEnvPaths, where, findings);
    if (kind == "resourceFieldRef") check_resource(reference, false, where, findings);
    if (kind == "configMapKeyRef" || kind == "secretKeyRef") check_key(reference, where, findings);
  }
  if (count == 0) {
    findings.invalid(
        path, "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
  } else if (!value.str().empty()) {
    findings.invalid(path, "", "may not be specified when `value` is not empty");
  } else if (count > 1) {
    findings.invalid(path, "", "may not have more than one field specified at a time");
  }
}

void check_env_from(const Value& from, const std::string& path, Findings& findings) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::string where = index_path(path, i);
    const Value& prefix = from.at(i, "prefix");
    const std::string bad_prefix = prefix.str().empty() ? std::string() : bad_env_name(prefix.str());
    if (!bad_prefix.empty()) findings.invalid(where + ".prefix", prefix, bad_prefix);
    std::size_t count = 0;
    for (const std::string_view kind : {"configMapRef", "secretRef"}) {
      if (from.at(i, kind).is_null()) continue;
      ++count;
      const Value& name = from.at(i, kind, "name");
      const std::string field = child_path(where, kind) + ".name";
      if (name.str().empty()) {
        findings.required(field);
      } else if (const std::string why = bad_subdomain(name.str()); !why.empty()) {
        findings.invalid(field, name, why);
      }
    }
    if (count == 0) findings.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
    if (count > 1) findings.invalid(path, "", "may not have more than one field specified at a time");
  }
}

}  // namespace

void check_env(const Value& container, const std::string& path, Findings& findings) {
  const Value& env = container.at("env");
  for (std::size_t i = 0; i < env.size(); ++i) {
    const std::string where = index_path(path + ".env", i);
    if (env.at(i, "name").str().empty()) {
      findings.required(where + ".name");
    } else if (const std::string why = bad_env_name(env.at(i, "name").str()); !why.empty()) {
      findings.invalid(where + ".name", env.at(i, "name"), why);
    }
    if (env.at(i).has("valueFrom"))
      check_value_from(env.at(i, "valueFrom"), env.at(i, "value"), where + ".valueFrom", findings);
  }
  check_env_from(container.at("envFrom"), path + ".envFrom", findings);
}

void check_downward_file(const Value& file, const std::string& path, Findings& findings) {
  if (file.at("path").str().empty()) findings.required(path + ".path");
  check_local_path(file.at("path"), path + ".path", findings);
  const Value& field = file.at("fieldRef");
  const Value& resource = file.at("resourceFieldRef");
  if (!field.is_null()) {
    check_field(field, kVolumePaths, path + ".fieldRef", findings);
    if (!resource.is_null())
      findings.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
  } else if (!resource.is_null()) {
    check_resource(resource, true, path + ".resourceFieldRef", findings);
  } else {
    findings.required(path, "one of fieldRef and resourceFieldRef is required");
  }
  check_mode(file.at("mode"), path + ".mode", findings);
}

}  // namespace fairlead::api
