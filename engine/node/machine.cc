#include "engine/node/machine.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <sstream>

#include "engine/node/files.h"

namespace fairlead::node {

namespace {

constexpr const char* kAppArmor = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
constexpr const char* kDebianClone = "/proc/sys/kernel/unprivileged_userns_clone";
constexpr const char* kMaximum = "/proc/sys/user/max_user_namespaces";

std::string setting(const char* path) {
  auto text = read_file(path).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

/// Runs `body` in a child and gives its exit status, so that what it tries does not touch this process.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 255;
  return WEXITSTATUS(status);
}

/// 0, or the errno that stopped it.
int try_namespaces() {
  return in_child([] {
    const int flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID;
    if (::unshare(flags) != 0) return errno;
    // AppArmor lets the call through and takes the capabilities away: a mount tells.
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? 0 : errno;
  });
}

MachineCheck namespaces_check() {
  const int error = try_namespaces();
  MachineCheck check{"user namespaces", error == 0, true, "", ""};
  check.detail = error == 0 ? (::geteuid() == 0 ? "as root" : "unprivileged") : error_text(error);
  if (error != 0) {
    check.advice = user_namespace_advice();
    if (check.advice.empty()) {
      check.advice =
          "The kernel or a container around this shell forbids them: run outside the container, or start it with "
          "--privileged.";
    }
  }
  return check;
}

bool filesystem_known(const std::string& name) {
  const auto text = read_file("/proc/filesystems").value_or("");
  return text.find("\t" + name + "\n") != std::string::npos;
}

MachineCheck filesystem_check() {
  const bool known = filesystem_known("overlay");
  return {"overlayfs", known, true, known ? "in the kernel" : "unknown to the kernel",
          known ? "" : "Load it as root: modprobe overlay (and add it to /etc/modules)."};
}

MachineCheck kernel_module_check(const std::string& what, const std::string& sysfs, const std::string& module) {
  std::error_code error;
  const std::string release = setting("/proc/sys/kernel/osrelease");
  // Built in or loaded shows in sysfs; loadable, in the index of modules.
  const bool loaded = std::filesystem::exists("/sys/module/" + sysfs, error);
  const auto index = read_file("/lib/modules/" + release + "/modules.dep").value_or("");
  const bool loadable = index.empty() || index.find("/" + module + ".ko") != std::string::npos;
  const bool fine = loaded || loadable;
  const bool known = loaded || !index.empty();
  return {what,
          fine,
          true,
          loaded   ? "in the kernel"
          : !known ? "not known before the first use: no list of the kernel's modules here"
                   : "module",
          fine ? "" : "Load it as root: modprobe " + module + ".",
          known};
}

MachineCheck program_check(const std::string& name, const std::string& package, bool required) {
  const std::string path = find_program(name);
  return {name, !path.empty(), required, path.empty() ? "not installed" : path,
          path.empty() ? "Install it: sudo apt-get install " + package : ""};
}

MachineCheck file_check(const std::string& name, const std::vector<std::string>& places, const std::string& package) {
  std::error_code error;
  for (const auto& place : places) {
    if (std::filesystem::exists(place, error)) return {name, true, true, place, ""};
  }
  return {name, false, true, "not installed", "Install it: sudo apt-get install " + package};
}

}  // namespace

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(std::string(path == nullptr ? "" : path) + ":/usr/sbin:/sbin:/usr/bin:/bin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string candidate = directory + "/" + name;
    struct stat info{};
    if (::stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return {};
}

std::string user_namespace_advice() {
  if (setting(kMaximum) == "0") {
    return "User namespaces are switched off: as root, sysctl -w user.max_user_namespaces=15000 (and keep it in "
           "/etc/sysctl.d/).";
  }
  if (::geteuid() == 0) return {};
  if (setting(kDebianClone) == "0") {
    return "User namespaces are for root only here: as root, sysctl -w kernel.unprivileged_userns_clone=1 (and keep it "
           "in /etc/sysctl.d/).";
  }
  if (setting(kAppArmor) == "1") {
    return "AppArmor restricts user namespaces (Ubuntu 23.10 and later): as root, sysctl -w "
           "kernel.apparmor_restrict_unprivileged_userns=0, or give fairlead an AppArmor profile that allows userns.";
  }
  return {};
}

std::vector<std::string> differences_from_aks() {
  std::vector<std::string> out = {
      "CPU limits are not enforced (containers get no cgroups of their own): one may use more than its limit.",
      "Memory limits are enforced by the node twice a second, not by the kernel at the byte.",
      "Pods reach the cluster and nothing beyond it."};
  if (::geteuid() != 0) {
    out.emplace_back(
        "Started by an ordinary user, a container's files all belong to its one user: file modes that would refuse it "
        "on AKS do not, and fsGroup and supplementalGroups have no effect.");
  }
  return out;
}

std::vector<MachineCheck> check_machine() {
  std::vector<MachineCheck> checks;
  checks.push_back(namespaces_check());
  checks.push_back(filesystem_check());
  checks.push_back(kernel_module_check("nf_tables", "nf_tables", "nf_tables"));
  checks.push_back(kernel_module_check("veth", "veth", "veth"));
  checks.push_back(program_check("crun", "crun", true));
  checks.push_back(program_check("nft", "nftables", true));
  checks.push_back(program_check("nginx", "nginx", true));
  checks.push_back(file_check("nginx modsecurity module", {"/usr/lib/nginx/modules/ngx_http_modsecurity_module.so"},
                              "libnginx-mod-http-modsecurity"));
  checks.push_back(
      file_check("nginx Lua module", {"/usr/lib/nginx/modules/ngx_http_lua_module.so"}, "libnginx-mod-http-lua"));
  checks.push_back(file_check("OWASP core rule set", {"/usr/share/modsecurity-crs/rules"}, "modsecurity-crs"));
  checks.push_back(program_check("prometheus", "prometheus", true));
  checks.push_back(program_check("git", "git", true));
  return checks;
}

}  // namespace fairlead::node
