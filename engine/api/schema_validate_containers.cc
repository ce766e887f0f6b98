// Containers. Source: pkg/apis/core/validation/validation.go, validateContainers and what it calls.
#include <set>

#include "base/quantity.h"
#include "engine/api/schema_names.h"
#include "engine/api/schema_scalar.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

/// What the containers of one pod share.
struct Pod {
  const Value& spec;
  std::set<std::string_view> volumes;  ///< Well-formed ones; others cannot be mounted.
  std::set<std::string_view> names;
  std::set<std::string> host_ports;
  bool host_network = false;
};

void check_handler(const Value& handler, const std::string& path, Findings& findings) {
  bool found = false;
  for (const std::string_view kind : {"exec", "httpGet", "tcpSocket", "grpc", "sleep"}) {
    const Value& action = handler.at(kind);
    const std::string where = child_path(path, kind);
    if (action.is_null()) continue;
    if (found) {
      findings.forbidden(where, "may not specify more than 1 handler type");
      continue;
    }
    found = true;
    if (kind == "exec" && action.at("command").empty()) findings.required(where + ".command");
    if (kind == "httpGet" || kind == "tcpSocket" || kind == "grpc")
      check_port(action.at("port"), where + ".port", findings);
    if (kind != "httpGet") continue;
    if (action.at("path").str().empty()) findings.required(where + ".path");
    check_one_of(action.at("scheme"), {"HTTP", "HTTPS"}, where + ".scheme", findings);
  }
  if (!found) findings.required(path, "must specify a handler type");
}

void check_probe(const Value& probe, const std::string& path, bool must_succeed_once, Findings& findings) {
  if (probe.is_null()) return;
  check_handler(probe, path, findings);
  for (const std::string_view field :
       {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"}) {
    check_least(probe.at(field), 0, child_path(path, field), findings);
  }
  if (must_succeed_once && probe.at("successThreshold").int_or(1) != 1) {
    findings.invalid(path + ".successThreshold", probe.at("successThreshold"), "must be 1");
  }
}

void check_lifecycle(const Value& lifecycle, const std::string& path, Findings& findings) {
  for (const std::string_view hook : {"postStart", "preStop"}) {
    if (lifecycle.has(hook) &&
        (hook != "preStop" || !lifecycle.at("stopSignal").is_string() || !lifecycle.at(hook).is_null())) {
      check_handler(lifecycle.at(hook), child_path(path, hook), findings);
    }
  }
}

void check_ports(const Value& ports, const std::string& path, Pod& pod, Findings& findings) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const Value& port = ports.at(i);
    const std::string where = index_path(path, i);
    const Value& name = port.at("name");
    if (!name.str().empty()) {
      const std::string why = bad_port_name(name.str());
      if (!why.empty()) {
        findings.invalid(where + ".name", name, why);
      } else if (!names.insert(name.str()).second) {
        findings.duplicate(where + ".name", name);
      }
    }
    if (port.at("containerPort").int_or(0) == 0) {
      findings.required(where + ".containerPort");
    } else {
      check_port(port.at("containerPort"), where + ".containerPort", findings);
    }
    const Value& host = port.at("hostPort");
    check_port(host, where + ".hostPort", findings);
    check_one_of(port.at("protocol"), {"SCTP", "TCP", "UDP"}, where + ".protocol", findings);
    if (pod.host_network && !host.is_null() && host != port.at("containerPort")) {
      findings.invalid(where + ".hostPort", host, "must match `containerPort` when `hostNetwork` is true");
    }
    if (host.is_null() || host.int_or(0) == 0) continue;
    std::string key = fmt::format("{}/{}/{}", port.at("protocol").str(), port.at("hostIP").str(), host.int_or(0));
    if (!pod.host_ports.insert(key).second) findings.duplicate(where + ".hostPort", key);
  }
}

bool known_field_path(std::string_view path) {
  for (const std::string_view name :
       {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"}) {
    if (path == name) return true;
  }
  return path.starts_with("metadata.labels['") || path.starts_with("metadata.annotations['");
}

void check_field_reference(const Value& reference, const std::string& path, Findings& findings) {
  if (reference.at("fieldPath").str().empty()) {
    findings.required(path + ".fieldPath");
  } else if (!known_field_path(reference.at("fieldPath").str())) {
    findings.invalid(
        path + ".fieldPath", reference.at("fieldPath"),
        fmt::format("error converting fieldPath: field label not supported: {}", reference.at("fieldPath").str()));
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
    if (kind == "fieldRef") check_field_reference(reference, where, findings);
    if (kind == "resourceFieldRef") {
      check_one_of(reference.at("resource"),
                   {"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu",
                    "requests.ephemeral-storage", "requests.memory"},
                   where + ".resource", findings);
    }
    if (kind != "configMapKeyRef" && kind != "secretKeyRef") continue;
    if (const std::string why = bad_subdomain(reference.at("name").str()); !why.empty())
      findings.invalid(where + ".name", Value(reference.at("name").str()), why);
    if (reference.at("key").str().empty()) {
      findings.required(where + ".key");
    } else if (const std::string why = bad_config_key(reference.at("key").str()); !why.empty()) {
      findings.invalid(where + ".key", reference.at("key"), why);
    }
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
  const Value& from = container.at("envFrom");
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t count = 0;
    for (const std::string_view kind : {"configMapRef", "secretRef"}) {
      if (from.at(i, kind).is_null()) continue;
      ++count;
      if (from.at(i, kind, "name").str().empty())
        findings.required(child_path(index_path(path + ".envFrom", i), kind) + ".name");
    }
    if (count == 0) findings.invalid(path + ".envFrom", "", "must specify one of: `configMapRef` or `secretRef`");
    if (count > 1) findings.invalid(path + ".envFrom", "", "may not have more than one field specified at a time");
  }
}

void check_mounts(const Value& mounts, const std::string& path, const Pod& pod, Findings& findings) {
  std::set<std::string_view> points;
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const Value& mount = mounts.at(i);
    const std::string where = index_path(path, i);
    if (mount.at("name").str().empty()) findings.required(where + ".name");
    if (!pod.volumes.contains(mount.at("name").str())) findings.not_found(where + ".name", mount.at("name"));
    if (mount.at("mountPath").str().empty()) {
      findings.required(where + ".mountPath");
    } else if (!points.insert(mount.at("mountPath").str()).second) {
      findings.invalid(where + ".mountPath", mount.at("mountPath"), "must be unique");
    }
    const std::string_view sub = mount.at("subPath").str();
    if (sub == ".." || sub.starts_with("../") || sub.contains("/../") || sub.ends_with("/..")) {
      findings.invalid(path + ".subPath", mount.at("subPath"), "must not contain '..'");
    }
  }
}

void check_resource_name(const std::string& name, const std::string& path, Findings& findings) {
  constexpr std::string_view kStandard[] = {"cpu", "memory", "ephemeral-storage"};
  if (name.contains('/') || name.starts_with("hugepages-")) return;
  for (const std::string_view standard : kStandard) {
    if (name == standard) return;
  }
  findings.invalid(path, name, "must be a standard resource type or fully qualified");
  findings.invalid(path, name, "must be a standard resource for containers");
}

void check_amounts(const Value& amounts, const std::string& path, Findings& findings) {
  for (const Member& member : amounts.members()) {
    const std::string where = key_path(path, member.key);
    check_resource_name(member.key, where, findings);
    const Quantity quantity = Quantity::of(member.value);
    if (quantity.nano < 0) findings.invalid(where, member.value, "must be greater than or equal to 0");
    if (member.key.contains('/') && !quantity.is_whole()) findings.invalid(where, member.value, "must be an integer");
  }
}

void check_resources(const Value& resources, const std::string& path, Findings& findings) {
  check_amounts(resources.at("limits"), path + ".limits", findings);
  check_amounts(resources.at("requests"), path + ".requests", findings);
  for (const Member& member : resources.at("requests").members()) {
    const Value& limit = resources.at("limits", member.key);
    const bool countable = member.key.contains('/') || member.key.starts_with("hugepages-");
    if (limit.is_null()) {
      if (countable) findings.required(path + ".limits", "Limit must be set for non overcommitable resources");
    } else if (Quantity::of(member.value) > Quantity::of(limit)) {
      findings.invalid(path + ".requests", member.value,
                       fmt::format("must be less than or equal to {} limit of {}", member.key, limit.str()));
    } else if (countable && Quantity::of(member.value) != Quantity::of(limit)) {
      findings.invalid(path + ".requests", member.value,
                       fmt::format("must be equal to {} limit of {}", member.key, limit.str()));
    }
  }
}

void check_security(const Value& context, const std::string& path, Findings& findings) {
  for (const std::string_view field : {"runAsUser", "runAsGroup"}) {
    const Value& id = context.at(field);
    if (id.is_int() && (id.int_or(0) < 0 || id.int_or(0) > INT32_MAX)) {
      findings.invalid(child_path(path, field), id, "must be between 0 and 2147483647, inclusive");
    }
  }
  const Value& profile = context.at("seccompProfile");
  check_one_of(profile.at("type"), {"Localhost", "RuntimeDefault", "Unconfined"}, path + ".seccompProfile.type",
               findings);
  if (context.at("allowPrivilegeEscalation").bool_or(true)) return;
  if (context.at("privileged").bool_or(false)) {
    findings.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
  for (const Value& capability : context.at("capabilities", "add").items()) {
    if (capability.str() != "SYS_ADMIN" && capability.str() != "CAP_SYS_ADMIN") continue;
    if (context.at("privileged").bool_or(false)) break;
    findings.invalid(path, context,
                     "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
  }
}

void check_image(const Value& container, const std::string& path, Findings& findings) {
  const Value& image = container.at("image");
  if (image.str().empty()) return findings.required(path + ".image");
  if (image.str().front() == ' ' || image.str().back() == ' ') {
    findings.invalid(path + ".image", image, "must not have leading or trailing whitespace");
  }
}

void check_container(const Value& container, const std::string& path, Pod& pod, Findings& findings) {
  const Value& name = container.at("name");
  if (name.str().empty()) {
    findings.required(path + ".name");
  } else if (const std::string why = bad_label(name.str()); !why.empty()) {
    findings.invalid(path + ".name", name, why);
  } else if (!pod.names.insert(name.str()).second) {
    findings.duplicate(path + ".name", name);
  }
  check_image(container, path, findings);
  check_one_of(container.at("terminationMessagePolicy"), {"File", "FallbackToLogsOnError"},
               path + ".terminationMessagePolicy", findings);
  check_one_of(container.at("imagePullPolicy"), {"Always", "IfNotPresent", "Never"}, path + ".imagePullPolicy",
               findings);
  check_ports(container.at("ports"), path + ".ports", pod, findings);
  check_env(container, path, findings);
  check_mounts(container.at("volumeMounts"), path + ".volumeMounts", pod, findings);
  check_resources(container.at("resources"), path + ".resources", findings);
  check_security(container.at("securityContext"), path + ".securityContext", findings);
}

void check_life(const Value& container, const std::string& path, Findings& findings) {
  check_lifecycle(container.at("lifecycle"), path + ".lifecycle", findings);
  check_probe(container.at("livenessProbe"), path + ".livenessProbe", true, findings);
  check_probe(container.at("readinessProbe"), path + ".readinessProbe", false, findings);
  check_probe(container.at("startupProbe"), path + ".startupProbe", true, findings);
}

}  // namespace

void check_containers(const Value& spec, const std::string& path, Findings& findings) {
  Pod pod{.spec = spec,
          .volumes = {},
          .names = {},
          .host_ports = {},
          .host_network = spec.at("hostNetwork").bool_or(false)};
  Findings unusable;
  for (const Value& volume : spec.at("volumes").items()) {
    Findings own;
    check_volumes(Value::array({volume}), "", own);
    if (own.empty()) pod.volumes.insert(volume.at("name").str());
  }
  const Value& containers = spec.at("containers");
  if (containers.empty()) findings.required(path + ".containers");
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const std::string where = index_path(path + ".containers", i);
    check_container(containers.at(i), where, pod, findings);
    check_life(containers.at(i), where, findings);
  }
  const Value& first = spec.at("initContainers");
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::string where = index_path(path + ".initContainers", i);
    pod.host_ports.clear();
    check_container(first.at(i), where, pod, findings);
    check_one_of(first.at(i, "restartPolicy"), {"Always", "Never", "OnFailure"}, where + ".restartPolicy", findings);
    if (first.at(i, "restartPolicy").str() == "Always") {
      check_life(first.at(i), where, findings);
      continue;
    }
    for (const std::string_view field : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
      if (!first.at(i).has(field)) continue;
      findings.forbidden(child_path(where, field), "may not be set for init containers without restartPolicy=Always");
    }
  }
}

}  // namespace fairlead::api
