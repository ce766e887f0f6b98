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

void check_propagation(const Value& mount, bool privileged, const std::string& path, Findings& findings) {
  const Value& mode = mount.at("mountPropagation");
  const std::string where = path + ".mountPropagation";
  check_one_of(mode, {"Bidirectional", "HostToContainer", "None"}, where, findings);
  if (mode.str() == "Bidirectional" && !privileged)
    findings.forbidden(where, "Bidirectional mount propagation is available only to privileged containers");
  const Value& recursive = mount.at("recursiveReadOnly");
  const std::string recursive_path = path + ".recursiveReadOnly";
  check_one_of(recursive, {"Disabled", "Enabled", "IfPossible"}, recursive_path, findings);
  if (recursive.str() != "Enabled" && recursive.str() != "IfPossible") return;
  if (!mount.at("readOnly").bool_or(false))
    findings.forbidden(recursive_path, "may only be specified when readOnly is true");
  if (!mode.is_null() && mode.str() != "None")
    findings.forbidden(recursive_path, "may only be specified when mountPropagation is None or not specified");
}

void check_mounts(const Value& container, const std::string& path, const Pod& pod, Findings& findings) {
  const Value& mounts = container.at("volumeMounts");
  const bool privileged = container.at("securityContext", "privileged").bool_or(false);
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
    const Value& sub = mount.at("subPath");
    const Value& expression = mount.at("subPathExpr");
    check_descending_path(sub, path + ".subPath", findings);
    if (!expression.str().empty() && !sub.str().empty())
      findings.invalid(where + ".subPathExpr", expression, "subPathExpr and subPath are mutually exclusive");
    check_descending_path(expression, path + ".subPathExpr", findings);
    check_propagation(mount, privileged, path, findings);
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

void check_resources(const Value& resources, const std::string& path, Findings& findings) {
  check_amounts(resources.at("limits"), path + ".limits", findings);
  check_amounts(resources.at("requests"), path + ".requests", findings);
  bool pages = false;
  bool other = false;
  for (const std::string_view list : {"limits", "requests"}) {
    for (const Member& member : resources.at(list).members()) {
      pages = pages || member.key.starts_with("hugepages-");
      other = other || member.key == "cpu" || member.key == "memory";
    }
  }
  if (pages && !other) findings.forbidden(path, "HugePages require cpu or memory");
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
  check_mounts(container, path + ".volumeMounts", pod, findings);
  check_resources(container.at("resources"), path + ".resources", findings);
  check_container_context(container.at("securityContext"), pod.spec.at("hostUsers").bool_or(true),
                          path + ".securityContext", findings);
}

}  // namespace

void check_amounts(const Value& amounts, const std::string& path, Findings& findings) {
  for (const Member& member : amounts.members()) {
    const std::string where = key_path(path, member.key);
    check_resource_name(member.key, where, findings);
    const Quantity quantity = Quantity::of(member.value);
    if (quantity.nano < 0) findings.invalid(where, member.value, "must be greater than or equal to 0");
    if (member.key.contains('/') && !quantity.is_whole()) findings.invalid(where, member.value, "must be an integer");
  }
}

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
  const Value& grace = spec.at("terminationGracePeriodSeconds");
  const Value& containers = spec.at("containers");
  if (containers.empty()) findings.required(path + ".containers");
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const std::string where = index_path(path + ".containers", i);
    check_container(containers.at(i), where, pod, findings);
    check_life(containers.at(i), grace, where, findings);
  }
  const Value& first = spec.at("initContainers");
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::string where = index_path(path + ".initContainers", i);
    pod.host_ports.clear();
    check_container(first.at(i), where, pod, findings);
    check_one_of(first.at(i, "restartPolicy"), {"Always", "Never", "OnFailure"}, where + ".restartPolicy", findings);
    if (first.at(i, "restartPolicy").str() == "Always") {
      check_life(first.at(i), grace, where, findings);
      continue;
    }
    for (const std::string_view field : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
      if (!first.at(i).has(field)) continue;
      findings.forbidden(child_path(where, field), "may not be set for init containers without restartPolicy=Always");
    }
  }
}

}  // namespace fairlead::api
