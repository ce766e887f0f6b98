// The baseline checks of the Pod Security Standards. Source: k8s.io/pod-security-admission/policy, check_*.go.
#include <algorithm>
#include <array>

#include "engine/api/admission_pod_security_checks.h"

namespace fairlead::api::pod_security {

std::string setters(bool by_pod, const List& containers) {
  List out;
  if (by_pod) out.emplace_back("pod");
  if (!containers.empty()) out.push_back(named(containers));
  return joined(out, " and ");
}

std::string added_capabilities(const Pod& pod, const std::set<std::string_view>& allowed) {
  Texts added;
  const List containers = containers_where(pod, [&](const Value& container) {
    bool bad = false;
    for (const Value& capability : container.at("securityContext", "capabilities", "add").items()) {
      if (allowed.contains(capability.str())) continue;
      added.emplace(capability.str());
      bad = true;
    }
    return bad;
  });
  if (containers.empty()) return {};
  return fmt::format("{} must not include {} in securityContext.capabilities.add", named(containers), quoted(added));
}

Finding seccomp_types(const Pod& pod, List* implied) {
  Texts types;
  const auto bad = [&](const Value& profile) {
    const std::string_view type = profile.at("type").str();
    if (profile.is_null() || type == "RuntimeDefault" || type == "Localhost") return false;
    types.emplace(type);
    return true;
  };
  const Value& pod_profile = pod.security().at("seccompProfile");
  const bool by_pod = bad(pod_profile);
  const List containers =
      containers_where(pod, [&](const Value& c) { return bad(c.at("securityContext", "seccompProfile")); });
  if (implied != nullptr && (by_pod || pod_profile.is_null())) {
    *implied =
        containers_where(pod, [](const Value& c) { return c.at("securityContext", "seccompProfile").is_null(); });
  }
  if (!by_pod && containers.empty()) return std::nullopt;
  return PodSecurityFinding{"seccompProfile", fmt::format("{} must not set securityContext.seccompProfile.type to {}",
                                                          setters(by_pod, containers), quoted(types))};
}

Finding proc_mount_restricted(const Pod& pod) {
  Texts types;
  const List containers = containers_where(pod, [&](const Value& container) {
    const Value& type = container.at("securityContext", "procMount");
    if (type.is_null() || type.str() == "Default") return false;
    types.emplace(type.str());
    return true;
  });
  if (containers.empty()) return std::nullopt;
  return PodSecurityFinding{
      "procMount", fmt::format("{} must not set securityContext.procMount to {}", named(containers), quoted(types))};
}

Finding app_armor(const Pod& pod) {
  constexpr std::string_view kAnnotation = "container.apparmor.security.beta.kubernetes.io/";
  Texts types;
  const auto bad = [&](const Value& security) {
    const Value& profile = security.at("appArmorProfile");
    const std::string_view type = profile.at("type").str();
    if (profile.is_null() || type == "RuntimeDefault" || type == "Localhost") return false;
    types.emplace(type);
    return true;
  };
  const bool by_pod = bad(pod.security());
  const List containers = containers_where(pod, [&](const Value& c) { return bad(c.at("securityContext")); });
  Texts annotations;
  for (const Member& member : pod.metadata.at("annotations").members()) {
    const std::string_view profile = member.value.str();
    const bool fine = profile.empty() || profile == "runtime/default" || profile.starts_with("localhost/");
    if (member.key.starts_with(kAnnotation) && !fine) annotations.insert(fmt::format("{}=\"{}\"", member.key, profile));
  }
  if (!by_pod && containers.empty() && annotations.empty()) return std::nullopt;
  List values(types.begin(), types.end());
  values.insert(values.end(), annotations.begin(), annotations.end());
  std::string who = setters(by_pod, containers);
  if (!annotations.empty())
    who += fmt::format("{}{}", who.empty() ? "" : " and ", plural("annotation", "annotations", annotations.size()));
  return PodSecurityFinding{
      std::string(plural("forbidden AppArmor profile", "forbidden AppArmor profiles", values.size())),
      fmt::format("{} must not set AppArmor profile type to {}", who, quoted(values))};
}

Finding capabilities_baseline(const Pod& pod) {
  static const std::set<std::string_view> kAllowed = {"AUDIT_WRITE", "CHOWN",  "DAC_OVERRIDE",     "FOWNER",  "FSETID",
                                                      "KILL",        "MKNOD",  "NET_BIND_SERVICE", "SETFCAP", "SETGID",
                                                      "SETPCAP",     "SETUID", "SYS_CHROOT"};
  const std::string added = added_capabilities(pod, kAllowed);
  if (added.empty()) return std::nullopt;
  return PodSecurityFinding{"non-default capabilities", added};
}

Finding host_namespaces(const Pod& pod) {
  List shared;
  for (const std::string_view field : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (pod.spec.at(field).bool_or(false)) shared.push_back(fmt::format("{}=true", field));
  }
  if (shared.empty()) return std::nullopt;
  return PodSecurityFinding{"host namespaces", joined(shared, ", ")};
}

Finding host_path_volumes(const Pod& pod) {
  List volumes;
  for (const Value& volume : pod.spec.at("volumes").items()) {
    if (!volume.at("hostPath").is_null()) volumes.emplace_back(volume.at("name").str());
  }
  if (volumes.empty()) return std::nullopt;
  return PodSecurityFinding{"hostPath volumes",
                            fmt::format("{} {}", plural("volume", "volumes", volumes.size()), quoted(volumes))};
}

Finding host_ports(const Pod& pod) {
  Texts numbers;
  const List containers = containers_where(pod, [&](const Value& container) {
    bool bad = false;
    for (const Value& port : container.at("ports").items()) {
      const std::int64_t number = port.at("hostPort").int_or(0);
      if (number == 0) continue;
      numbers.insert(std::to_string(number));
      bad = true;
    }
    return bad;
  });
  if (containers.empty()) return std::nullopt;
  return PodSecurityFinding{"hostPort",
                            fmt::format("{} {} {} {}", named(containers), plural("uses", "use", containers.size()),
                                        plural("hostPort", "hostPorts", numbers.size()), joined(numbers, ", "))};
}

Finding host_probes(const Pod& pod) {
  Texts hosts;
  Texts containers;
  each_container(pod, [&](const Value& container) {
    for (const Value* action :
         {&container.at("livenessProbe"), &container.at("readinessProbe"), &container.at("startupProbe"),
          &container.at("lifecycle", "postStart"), &container.at("lifecycle", "preStop")}) {
      for (const std::string_view kind : {"httpGet", "tcpSocket"}) {
        const std::string_view host = action->at(kind, "host").str();
        if (host.empty()) continue;
        hosts.emplace(host);
        containers.emplace(container.at("name").str());
      }
    }
  });
  if (containers.empty()) return std::nullopt;
  return PodSecurityFinding{
      "probe or lifecycle host",
      fmt::format("{} {} {} {}", named(containers), plural("uses", "use", containers.size()),
                  plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.size()), quoted(hosts))};
}

Finding privileged(const Pod& pod) {
  const List containers =
      containers_where(pod, [](const Value& c) { return c.at("securityContext", "privileged").bool_or(false); });
  if (containers.empty()) return std::nullopt;
  return PodSecurityFinding{"privileged",
                            fmt::format("{} must not set securityContext.privileged=true", named(containers))};
}

Finding proc_mount(const Pod& pod) {
  if (pod.minor >= 35 && pod.own_users()) return std::nullopt;
  return proc_mount_restricted(pod);
}

Finding selinux(const Pod& pod) {
  Texts types;
  bool user = false;
  bool role = false;
  const auto bad = [&](const Value& security) {
    const Value& options = security.at("seLinuxOptions");
    const std::string_view type = options.at("type").str();
    const bool known = type.empty() || type == "container_t" || type == "container_init_t" ||
                       type == "container_kvm_t" || (pod.minor >= 31 && type == "container_engine_t");
    if (!known) types.emplace(type);
    user = user || !options.at("user").str().empty();
    role = role || !options.at("role").str().empty();
    return !known || !options.at("user").str().empty() || !options.at("role").str().empty();
  };
  const bool by_pod = bad(pod.security());
  const List containers = containers_where(pod, [&](const Value& c) { return bad(c.at("securityContext")); });
  if (!by_pod && containers.empty()) return std::nullopt;
  List what;
  if (!types.empty()) what.push_back(fmt::format("{} {}", plural("type", "types", types.size()), quoted(types)));
  if (user) what.emplace_back("user may not be set");
  if (role) what.emplace_back("role may not be set");
  return PodSecurityFinding{"seLinuxOptions", fmt::format("{} set forbidden securityContext.seLinuxOptions: {}",
                                                          setters(by_pod, containers), joined(what, "; "))};
}

namespace {

/// Before version 1.19 annotations said it.
Finding seccomp_annotations(const Pod& pod) {
  Texts forbidden;
  const Value& annotations = pod.metadata.at("annotations");
  const auto check = [&](const std::string& key) {
    const std::string_view profile = annotations.at(key).str();
    const bool fine = profile == "runtime/default" || profile == "docker/default" || profile.starts_with("localhost/");
    if (annotations.has(key) && !fine) forbidden.insert(fmt::format("{}=\"{}\"", key, profile));
  };
  check("seccomp.security.alpha.kubernetes.io/pod");
  each_container(pod, [&](const Value& container) {
    check(fmt::format("container.seccomp.security.alpha.kubernetes.io/{}", container.at("name").str()));
  });
  if (forbidden.empty()) return std::nullopt;
  return PodSecurityFinding{
      "seccompProfile",
      fmt::format("forbidden {} {}", plural("annotation", "annotations", forbidden.size()), joined(forbidden, ", "))};
}

}  // namespace

Finding seccomp_baseline(const Pod& pod) {
  return pod.minor < 19 ? seccomp_annotations(pod) : seccomp_types(pod, nullptr);
}

Finding sysctls(const Pod& pod) {
  struct Allowed {
    std::string_view name;
    int since;
  };
  constexpr std::array<Allowed, 12> kAllowed{{{"kernel.shm_rmid_forced", 0},
                                              {"net.ipv4.ip_local_port_range", 0},
                                              {"net.ipv4.tcp_syncookies", 0},
                                              {"net.ipv4.ping_group_range", 0},
                                              {"net.ipv4.ip_unprivileged_port_start", 0},
                                              {"net.ipv4.ip_local_reserved_ports", 27},
                                              {"net.ipv4.tcp_keepalive_time", 29},
                                              {"net.ipv4.tcp_fin_timeout", 29},
                                              {"net.ipv4.tcp_keepalive_intvl", 29},
                                              {"net.ipv4.tcp_keepalive_probes", 29},
                                              {"net.ipv4.tcp_rmem", 32},
                                              {"net.ipv4.tcp_wmem", 32}}};
  List forbidden;
  for (const Value& item : pod.security().at("sysctls").items()) {
    const std::string_view name = item.at("name").str();
    const bool fine = std::ranges::any_of(
        kAllowed, [&](const Allowed& allowed) { return allowed.name == name && pod.minor >= allowed.since; });
    if (!fine) forbidden.emplace_back(name);
  }
  if (forbidden.empty()) return std::nullopt;
  return PodSecurityFinding{"forbidden sysctls", joined(forbidden, ", ")};
}

Finding windows_host_process(const Pod& pod) {
  const auto bad = [](const Value& security) { return security.at("windowsOptions", "hostProcess").bool_or(false); };
  const bool by_pod = bad(pod.security());
  const List containers = containers_where(pod, [&](const Value& c) { return bad(c.at("securityContext")); });
  if (!by_pod && containers.empty()) return std::nullopt;
  return PodSecurityFinding{
      "hostProcess",
      fmt::format("{} must not set securityContext.windowsOptions.hostProcess=true", setters(by_pod, containers))};
}

}  // namespace fairlead::api::pod_security
