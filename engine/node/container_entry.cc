#include "engine/node/container_entry.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>

#include "engine/node/files.h"
#include "engine/node/seccomp.h"

namespace fairlead::node {

namespace {

/// What shells say: not executable, not found; and what `env` and its like say of a failure of their own.
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
constexpr int kCannotEnter = 125;
constexpr int kMaxCapability = 63;

/// The user namespace last: to join the others takes rights in the one outside it.
constexpr std::array<const char*, 6> kNamespaces = {"net", "uts", "ipc", "pid", "mnt", "user"};

unsigned long long status_field(const std::string& status, const std::string& name, int base) {
  const auto at = status.find("\n" + name + ":\t");
  if (at == std::string::npos) return 0;
  unsigned long long out = 0;
  const char* begin = status.data() + at + name.size() + 3;
  std::from_chars(begin, status.data() + status.size(), out, base);
  return out;
}

bool is_other_namespace(const std::string& a, const std::string& b) {
  struct stat first{};
  struct stat second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_ino != second.st_ino;
}

[[noreturn]] void give_up(int code, std::string_view why) {
  [[maybe_unused]] const auto put = ::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(code);
}

}  // namespace

Result<ContainerEntry> ContainerEntry::open(pid_t pid, const ContainerUser& user) {
  ContainerEntry out;
  const std::string proc = "/proc/" + std::to_string(pid);
  out.nested_ = is_other_namespace(proc + "/ns/user", "/proc/self/ns/user");
  for (const char* name : kNamespaces) {
    if (!out.nested_ && std::string_view(name) == "user") continue;  // Nobody joins the one he is in.
    Descriptor one(::open(fmt::format("{}/ns/{}", proc, name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!one) return fail("the container has ended: {}", error_text(errno));
    out.namespaces_.push_back(std::move(one));
  }
  out.uid_ = static_cast<uid_t>(user.uid);
  out.gid_ = static_cast<gid_t>(user.gid);
  for (const std::int64_t group : user.additional) out.groups_.push_back(static_cast<gid_t>(group));
  out.directory_.reset(::open((proc + "/cwd").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto status = read_file(proc + "/status");
  if (!out.directory_ || !status) return fail("the container has ended");
  out.bounding_ = status_field(*status, "CapBnd", 16);
  out.no_new_privileges_ = status_field(*status, "NoNewPrivs", 10) != 0;
  // Not from there: crun sets the filter last of all, and a hook may enter before that.
  if (user.filtered) out.filter_ = &default_seccomp_filter();
  return out;
}

std::vector<std::string> ContainerEntry::candidates(const std::string& name,
                                                    const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return {name};
  std::vector<std::string> out;
  for (const std::string& entry : environment) {
    if (!entry.starts_with("PATH=")) continue;
    for (std::size_t at = 5; at <= entry.size();) {
      const auto colon = std::min(entry.find(':', at), entry.size());
      out.push_back(entry.substr(at, colon - at) + "/" + name);
      at = colon + 1;
    }
  }
  return out;
}

bool ContainerEntry::go_in() const {
  for (const Descriptor& one : namespaces_) {
    if (::setns(one.get(), 0) != 0) return false;
  }
  return ::fchdir(directory_.get()) == 0;
}

bool ContainerEntry::lay_down_rights() const {
  for (int capability = 0; capability <= kMaxCapability; ++capability) {
    if ((bounding_ >> static_cast<unsigned>(capability) & 1U) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) return false;
  }
  if (no_new_privileges_ && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  if (filter_ == nullptr) return true;
  const sock_fprog program{static_cast<unsigned short>(filter_->size()), const_cast<sock_filter*>(filter_->data())};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

bool ContainerEntry::become_user() const {
  if (nested_) return true;  // The one user there is.
  // The library's own would look for the other threads, which a child does not have.
  return ::syscall(SYS_setgroups, groups_.size(), groups_.data()) == 0 &&
         ::syscall(SYS_setresgid, gid_, gid_, gid_) == 0 && ::syscall(SYS_setresuid, uid_, uid_, uid_) == 0;
}

void ContainerEntry::execute(const std::vector<std::string>& programs, char* const* argv,
                             char* const* environment) const {
  if (!go_in()) give_up(kCannotEnter, "cannot enter the container's namespaces\n");
  // This process waits for as long as the command runs. With the engine's descriptors it would keep open what the
  // engine closes meanwhile: pipes of ended containers, connections, namespaces of pods that are gone.
  ::close_range(3, ~0U, 0);
  // Only a child stands in the PID namespace that was joined.
  const auto child = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child < 0) give_up(kCannotEnter, "cannot start a process in the container\n");
  if (child == 0) {
    if (!lay_down_rights() || !become_user())
      give_up(kCannotEnter, "cannot lay down the rights that the container has not\n");
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // After the change of user, which would undo it.
    int code = kNotFound;
    for (const std::string& program : programs) {
      ::execve(program.c_str(), argv, environment);
      if (errno != ENOENT && errno != ENOTDIR) code = kNotExecutable;
    }
    give_up(code, code == kNotFound ? "executable file not found in the container\n" : "cannot be executed\n");
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace fairlead::node
