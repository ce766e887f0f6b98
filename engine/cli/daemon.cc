#include "engine/cli/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

namespace fairlead::cli {
namespace {

std::string lock_path(const Project& project) { return project.state() + "/lock"; }

std::optional<pid_t> read_pid(int fd) {
  std::array<char, 32> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  pid_t pid = 0;
  if (n <= 0) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + n, pid);
  return error == std::errc() ? std::optional(pid) : std::nullopt;
}

/// An error when the state directory is there and closed to whoever asks: what runs in it cannot be known then.
Result<> readable(const Project& project) {
  if (::access(project.state().c_str(), R_OK | X_OK) == 0 || errno != EACCES) return {};
  struct stat info{};
  const passwd* owner = ::stat(project.state().c_str(), &info) == 0 ? ::getpwuid(info.st_uid) : nullptr;
  const std::string name = owner == nullptr ? "another user" : owner->pw_name;
  return fail("cannot read {}, which is {}'s alone: ask as {}, or use a checkout of your own", project.state(), name,
              name);
}

}  // namespace

Result<DaemonLock> DaemonLock::take(const Project& project) {
  std::error_code error;
  std::filesystem::create_directories(project.state(), error);
  if (error) return fail("cannot create {}: {}", project.state(), error.message());
  if (auto ours = readable(project); !ours) return std::unexpected(ours.error());
  // Keys, Secrets and what containers write are this user's alone.
  if (::chmod(project.state().c_str(), S_IRWXU) != 0)
    return fail("cannot close {} to others: {}", project.state(), std::strerror(errno));
  const int fd = ::open(lock_path(project).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail("cannot open {}: {}", lock_path(project), std::strerror(errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const auto pid = read_pid(fd);
    ::close(fd);
    return fail(
        "already running in this repository (process {}): see `fairlead status`, or stop it with `fairlead down`",
        pid ? std::to_string(*pid) : "unknown");
  }
  DaemonLock lock(fd);
  // What stands there names a process of an earlier life, which `down` must not end.
  lock.own();
  return lock;
}

DaemonLock::DaemonLock(DaemonLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DaemonLock::~DaemonLock() {
  if (fd_ >= 0) ::close(fd_);
}

void DaemonLock::own() const {
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, pid.data(), pid.size(), 0) < 0) {
    // Only messages lose by it: the lock itself is what counts.
  }
}

Result<std::optional<pid_t>> running_daemon(const Project& project) {
  if (auto known = readable(project); !known) return std::unexpected(known.error());
  const int fd = ::open(lock_path(project).c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0 && errno != ENOENT) return fail("cannot open {}: {}", lock_path(project), std::strerror(errno));
  if (fd < 0) return std::nullopt;
  const bool held = ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  const auto pid = held ? read_pid(fd) : std::nullopt;
  ::close(fd);
  return pid;
}

Result<bool> stop_daemon(const Project& project, std::chrono::milliseconds patience) {
  const auto running = running_daemon(project);
  if (!running) return std::unexpected(running.error());
  const std::optional<pid_t> pid = *running;
  if (!pid) return false;
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0));
  if (fd < 0)
    return errno == ESRCH ? Result<bool>(false) : fail("cannot watch process {}: {}", *pid, std::strerror(errno));
  if (::kill(*pid, SIGTERM) != 0) {
    const int reason = errno;
    ::close(fd);
    return fail("cannot stop process {}: {}", *pid, std::strerror(reason));
  }
  pollfd gone{fd, POLLIN, 0};
  if (::poll(&gone, 1, static_cast<int>(patience.count())) == 0) {
    ::kill(*pid, SIGKILL);
    ::poll(&gone, 1, static_cast<int>(patience.count()));
  }
  ::close(fd);
  return true;
}

}  // namespace fairlead::cli
