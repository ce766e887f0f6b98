#include "engine/node/container_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <set>
#include <sstream>

#include "base/expansion.h"
#include "engine/node/file_limit.h"
#include "engine/node/files.h"
#include "engine/node/seccomp.h"

namespace fairlead::node {

namespace {

constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::int64_t kMaxId = 0xFFFFFFFE;
constexpr rlim_t kMaxFiles = std::numeric_limits<std::int32_t>::max();

constexpr std::array<std::string_view, 14> kCapabilities = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

/// What containerd masks and makes read-only in every container.
constexpr std::array<std::string_view, 10> kMasked = {
    "/proc/acpi",       "/proc/asound",      "/proc/kcore",       "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"};
constexpr std::array<std::string_view, 5> kReadOnly = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                       "/proc/sysrq-trigger"};

/// A field of the container's securityContext, else of the pod's.
const Value& security(const Value& pod, const Value& container, std::string_view field) {
  const Value& own = container.at("securityContext", field);
  return own.is_null() ? pod.at("spec", "securityContext", field) : own;
}

bool number(std::string_view text, std::int64_t& out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && !text.empty();
}

/// The line of /etc/passwd or /etc/group in `root` whose column `key_column` is `key`.
std::vector<std::string> account(const std::string& root, const char* file, std::size_t key_column,
                                 std::string_view key) {
  std::istringstream lines(read_in_root(root, file, std::size_t{1} << 20).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> columns;
    std::istringstream parts(line);
    for (std::string part; std::getline(parts, part, ':');) columns.push_back(part);
    if (columns.size() >= 3 && columns[key_column] == key) return columns;
  }
  return {};
}

Value strings(const auto& range) {
  Value out = Value::array();
  for (const auto& item : range) out.push_back(std::string(item));
  return out;
}

Value capabilities(const Value& container) {
  std::set<std::string> set(kCapabilities.begin(), kCapabilities.end());
  const auto full = [](const Value& name) {
    std::string text(name.str());
    return text.starts_with("CAP_") ? text : "CAP_" + text;
  };
  for (const auto& drop : container.at("securityContext", "capabilities", "drop").items()) {
    if (drop.str() == "ALL" || drop.str() == "all") set.clear();
    set.erase(full(drop));
  }
  for (const auto& add : container.at("securityContext", "capabilities", "add").items()) {
    if (add.str() == "ALL") set.insert(kCapabilities.begin(), kCapabilities.end());
    if (add.str() != "ALL") set.insert(full(add));
  }
  const Value list = strings(set);
  return Value::object({{"bounding", list}, {"effective", list}, {"permitted", list}});
}

Value mount(std::string_view destination, std::string_view type, std::string_view source, Value options) {
  return Value::object(
      {{"destination", destination}, {"type", type}, {"source", source}, {"options", std::move(options)}});
}

Value mounts(const ContainerPlan& plan) {
  Value out = Value::array();
  out.push_back(mount("/proc", "proc", "proc", Value::array({"nosuid", "noexec", "nodev"})));
  out.push_back(mount("/dev", "tmpfs", "tmpfs", Value::array({"nosuid", "strictatime", "mode=755", "size=65536k"})));
  out.push_back(mount("/dev/pts", "devpts", "devpts",
                      Value::array({"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"})));
  out.push_back(
      mount("/dev/shm", "tmpfs", "shm", Value::array({"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"})));
  // "ro" alone is for the topmost mount; "rro" holds for those below it, such as /sys/fs/cgroup, too.
  out.push_back(mount("/sys", "bind", "/sys", Value::array({"rbind", "nosuid", "noexec", "nodev", "ro", "rro"})));
  for (const auto& entry : plan.mounts) {
    out.push_back(mount(entry.destination, entry.type, entry.source, strings(entry.options)));
  }
  return out;
}

Value environment(const ContainerPlan& plan) {
  std::vector<std::string> out;
  const auto set = [&](const std::string& name, const std::string& value) {
    const std::string prefix = name + "=";
    const auto found = std::ranges::find_if(out, [&](const std::string& entry) { return entry.starts_with(prefix); });
    if (found == out.end()) {
      out.push_back(prefix + value);
    } else {
      *found = prefix + value;
    }
  };
  set("PATH", std::string(kPath));
  set("HOSTNAME", plan.hostname);
  for (const auto& entry : plan.image.environment) {
    const auto equals = entry.find('=');
    if (equals != std::string::npos) set(entry.substr(0, equals), entry.substr(equals + 1));
  }
  for (const auto& [name, value] : plan.environment) set(name, value);
  return strings(out);
}

Value file_limit() {
  const rlimit limit = container_file_limit();
  // RLIM_INFINITY does not fit the document's integers, nor the kernel's descriptors.
  const auto number = [](rlim_t value) { return static_cast<std::int64_t>(std::min<rlim_t>(value, kMaxFiles)); };
  return Value::object({{"type", "RLIMIT_NOFILE"}, {"soft", number(limit.rlim_cur)}, {"hard", number(limit.rlim_max)}});
}

Value linux_section(const ContainerPlan& plan) {
  Value namespaces = Value::array();
  for (const char* type : {"pid", "ipc", "uts", "mount"}) namespaces.push_back(Value::object({{"type", type}}));
  namespaces.push_back(Value::object({{"type", "network"}, {"path", plan.network}}));
  Value out = Value::object({{"maskedPaths", strings(kMasked)}, {"readonlyPaths", strings(kReadOnly)}});
  if (!plan.privileged_node) {
    // One uid is all an ordinary user has: inside, it is the one the container asked for.
    namespaces.push_back(Value::object({{"type", "user"}}));
    const auto mapping = [](std::int64_t id) {
      return Value::array({Value::object({{"containerID", id}, {"hostID", 0}, {"size", 1}})});
    };
    out.set("uidMappings", mapping(plan.user.uid));
    out.set("gidMappings", mapping(plan.user.gid));
  }
  out.set("namespaces", std::move(namespaces));
  if (plan.user.filtered) out.set("seccomp", default_seccomp());
  return out;
}

}  // namespace

Result<ContainerUser> container_user(const Value& pod, const Value& container, const Image& image,
                                     const std::string& root) {
  ContainerUser user;
  user.filtered = security(pod, container, "seccompProfile").at("type").str() == "RuntimeDefault";
  std::string_view name = image.user;
  std::string_view group;
  if (const auto colon = name.find(':'); colon != std::string_view::npos) {
    group = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  const Value& asked = security(pod, container, "runAsUser");
  const bool must_not_be_root = security(pod, container, "runAsNonRoot").bool_or(false);
  std::vector<std::string> entry;
  if (asked.is_int()) {
    user.uid = asked.int_or(0);
    group = {};
  } else if (!name.empty() && !number(name, user.uid)) {
    if (must_not_be_root) {
      return fail("container has runAsNonRoot and image has non-numeric user ({}), cannot verify user is non-root",
                  name);
    }
    entry = account(root, "/etc/passwd", 0, name);
    if (entry.size() < 4 || !number(entry[2], user.uid))
      return fail("the image's user {} is not in its /etc/passwd", name);
  }
  if (must_not_be_root && user.uid == 0) {
    return fail("container {} (container: {})",
                asked.is_int() ? "has runAsNonRoot and runAsUser 0" : "has runAsNonRoot and image will run as root",
                container.at("name").str());
  }
  if (entry.empty()) entry = account(root, "/etc/passwd", 2, std::to_string(user.uid));
  if (entry.size() >= 4) number(entry[3], user.gid);
  if (!group.empty() && !number(group, user.gid)) {
    const auto line = account(root, "/etc/group", 0, group);
    if (line.size() < 3 || !number(line[2], user.gid))
      return fail("the image's group {} is not in its /etc/group", group);
  }
  if (const Value& gid = security(pod, container, "runAsGroup"); gid.is_int()) user.gid = gid.int_or(0);
  if (user.uid < 0 || user.uid > kMaxId || user.gid < 0 || user.gid > kMaxId)
    return fail("the container's uid or gid is out of range");
  const Value& context = pod.at("spec", "securityContext");
  if (context.at("fsGroup").is_int()) user.additional.push_back(context.at("fsGroup").int_or(0));
  for (const auto& extra : context.at("supplementalGroups").items()) user.additional.push_back(extra.int_or(0));
  return user;
}

const std::string* find_variable(const Environment& environment, std::string_view name) {
  const auto found =
      std::find_if(environment.rbegin(), environment.rend(), [&](const auto& entry) { return entry.first == name; });
  return found == environment.rend() ? nullptr : &found->second;
}

std::vector<std::string> container_arguments(const Value& container, const Image& image,
                                             const Environment& environment) {
  const auto find = [&](std::string_view name) { return find_variable(environment, name); };
  std::vector<std::string> out;
  const auto& command = container.at("command").items();
  const auto& args = container.at("args").items();
  if (command.empty()) out = image.entrypoint;
  for (const auto& part : command) out.push_back(expand(part.str(), find));
  if (command.empty() && args.empty()) out.insert(out.end(), image.command.begin(), image.command.end());
  for (const auto& part : args) out.push_back(expand(part.str(), find));
  return out;
}

Result<Value> container_config(const ContainerPlan& plan) {
  const Value& container = *plan.container;
  const Value& own = container.at("securityContext");
  if (own.at("privileged").bool_or(false)) {
    return fail("the local node runs no privileged containers: remove securityContext.privileged");
  }
  const auto& profile = security(*plan.pod, container, "seccompProfile");
  if (profile.at("type").str() == "Localhost") {
    return fail("the local node has no seccomp profiles of its own: use seccompProfile type RuntimeDefault");
  }
  const auto arguments = container_arguments(container, plan.image, plan.environment);
  if (arguments.empty()) return fail("no command specified: neither the container nor its image says what to run");
  std::string directory(container.at("workingDir").str());
  if (directory.empty()) directory = plan.image.working_directory;
  Value user = Value::object({{"uid", plan.user.uid}, {"gid", plan.user.gid}});
  if (plan.privileged_node && !plan.user.additional.empty()) {
    Value groups = Value::array();
    for (const auto gid : plan.user.additional) groups.push_back(gid);
    user.set("additionalGids", std::move(groups));
  }
  Value process = Value::object({{"terminal", false},
                                 {"user", std::move(user)},
                                 {"args", strings(arguments)},
                                 {"env", environment(plan)},
                                 {"rlimits", Value::array({file_limit()})},
                                 {"cwd", directory.empty() ? std::string("/") : directory},
                                 {"capabilities", capabilities(container)},
                                 {"noNewPrivileges", !own.at("allowPrivilegeEscalation").bool_or(true)}});
  return Value::object(
      {{"ociVersion", "1.0.2"},
       {"process", std::move(process)},
       {"root", Value::object({{"path", plan.root}, {"readonly", own.at("readOnlyRootFilesystem").bool_or(false)}})},
       {"hostname", plan.hostname},
       {"mounts", mounts(plan)},
       {"linux", linux_section(plan)}});
}

}  // namespace fairlead::node
