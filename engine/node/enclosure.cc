#include "engine/node/enclosure.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "engine/node/file_limit.h"
#include "engine/node/files.h"
#include "engine/node/machine.h"

namespace fairlead::node {

namespace {

constexpr std::size_t kMaxMessage = 4096;
constexpr std::string_view kListen = "listen 127.0.0.1:";
constexpr std::string_view kListenAgain = "listen again 127.0.0.1:";

/// One message, perhaps with a descriptor. "+" says it worked, "-" that the rest is why not.
bool send_message(int socket, std::string_view text, int fd) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0;
}

bool receive_message(int socket, std::string& text, Descriptor& fd) {
  text.resize(kMaxMessage);
  iovec part{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  text.resize(static_cast<std::size_t>(got));
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int passed = -1;
    std::memcpy(&passed, CMSG_DATA(header), sizeof passed);
    fd.reset(passed);
  }
  return true;
}

Result<Descriptor> listen_on_host(std::uint16_t port, bool name_holder) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail("cannot open a socket: {}", error_text(errno));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(socket.get(), 1024) == 0) {
    return socket;
  }
  const int error = errno;
  if (error != EADDRINUSE) return fail("cannot listen on 127.0.0.1:{}: {}", port, error_text(error));
  const std::string holder = name_holder ? port_holder(port) : std::string();
  return fail("127.0.0.1:{} is already in use{}: stop it or choose another port", port,
              holder.empty() ? std::string(" by another program") : " by " + holder);
}

Result<Descriptor> answer_request(const EnclosureOptions& options, const std::string& request) {
  for (const auto& verb : {kListen, kListenAgain}) {
    if (!request.starts_with(verb)) continue;
    std::uint16_t port = 0;
    const char* end = request.data() + request.size();
    const auto parsed = std::from_chars(request.data() + verb.size(), end, port);
    if (parsed.ec != std::errc() || parsed.ptr != end) return fail("not a port: {}", request);
    return listen_on_host(port, verb == kListen);
  }
  if (options.answer) return options.answer(request);
  return fail("unknown request: {}", request);
}

Result<> write_map(pid_t child, bool privileged) {
  const std::string proc = "/proc/" + std::to_string(child);
  if (privileged) {
    // The identity range: files keep their owners and pods get their real uids. One less than all of it, because crun
    // takes the whole range for the host's own namespace and then tries to make device nodes.
    if (auto ok = write_file(proc + "/uid_map", "0 0 4294967294\n"); !ok) return ok;
    return write_file(proc + "/gid_map", "0 0 4294967294\n");
  }
  if (auto ok = write_file(proc + "/setgroups", "deny"); !ok) return ok;
  if (auto ok = write_file(proc + "/uid_map", fmt::format("0 {} 1\n", ::geteuid())); !ok) return ok;
  return write_file(proc + "/gid_map", fmt::format("0 {} 1\n", ::getegid()));
}

Result<> loopback_up() {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (!socket || ::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) {
    return fail("cannot bring up loopback: {}", error_text(errno));
  }
  return {};
}

/// Run as PID 1, before the code inside: its own view of mounts, processes and network.
Result<> furnish() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail("cannot make the mounts private: {}", error_text(errno));
  }
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return fail("cannot mount /proc: {}; is this a container with a masked /proc? Give it its own (--privileged)",
                error_text(errno));
  }
  // crun refuses hybrid cgroup trees; an empty one it leaves alone.
  if (::mount("tmpfs", "/sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755") != 0) {
    return fail("cannot mount over /sys/fs/cgroup: {}", error_text(errno));
  }
  if (auto ok = loopback_up(); !ok) return ok;
  if (::sethostname("fairlead", 8) != 0) return fail("cannot set the host name: {}", error_text(errno));
  const std::string net = "/proc/sys/net/";
  if (auto ok = write_file(net + "ipv4/ip_forward", "1"); !ok) return ok;
  // Kernels differ in which of these a namespace may set; each only tunes.
  (void)write_file(net + "ipv4/conf/all/rp_filter", "0");
  (void)write_file(net + "ipv4/conf/default/rp_filter", "0");
  (void)write_file(net + "netfilter/nf_conntrack_tcp_timeout_time_wait", "10");
  (void)write_file(net + "netfilter/nf_conntrack_tcp_timeout_close_wait", "30");
  return {};
}

/// Exit codes of the process inside before the code inside ran; the reason went through the socket.
constexpr int kNotFurnished = 97;

[[noreturn]] void run_inside(int socket, int life, bool privileged, const std::function<int(Inside&)>& inside) {
  std::string go;
  Descriptor none;
  // Nothing works before the parent has written the uid map.
  if (!receive_message(socket, go, none)) ::_exit(kNotFurnished);
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) ::_exit(kNotFurnished);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before that call: then its end of the pipe is closed.
  pollfd poll{life, POLLIN, 0};
  if (::poll(&poll, 1, 0) > 0 && (poll.revents & POLLHUP) != 0) ::_exit(kNotFurnished);
  ::prctl(PR_SET_NAME, "fairlead-inside");
  if (auto ok = furnish(); !ok) {
    send_message(socket, "-" + ok.error().message, -1);
    ::_exit(kNotFurnished);
  }
  // Containers of other users read what is made from here on; what is to be kept from them says so in its mode.
  ::umask(022);
  raise_file_limit();
  send_message(socket, "+", -1);
  Outside outside{Descriptor(socket)};
  Inside view{outside, privileged, life};
  const int code = inside(view);
  std::fflush(nullptr);
  ::_exit(code);
}

pid_t clone_namespaces() {
  clone_args args{};
  args.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  args.exit_signal = SIGCHLD;
  return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}

/// The process outside from here on: answers requests and passes signals on until the one inside has ended.
int serve(const EnclosureOptions& options, pid_t child, int socket, Descriptor life, int signals) {
  bool stopping = false;
  std::array<pollfd, 2> polls{{{socket, POLLIN, 0}, {signals, POLLIN, 0}}};
  for (;;) {
    if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) break;
    if (polls[0].revents != 0) {
      std::string request;
      Descriptor ignored;
      if (!receive_message(socket, request, ignored)) {
        polls[0].fd = -1;
      } else if (auto answer = answer_request(options, request); answer) {
        send_message(socket, "+", answer->get());
      } else {
        send_message(socket, "-" + answer.error().message, -1);
      }
    }
    if (polls[1].revents == 0) continue;
    signalfd_siginfo info{};
    if (::read(signals, &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo != SIGCHLD) {
      if (stopping) ::kill(child, SIGKILL);
      stopping = true;
      [[maybe_unused]] const auto put = ::write(life.get(), "s", 1);
    }
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) {
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
  ::kill(child, SIGKILL);
  return 1;
}

}  // namespace

Result<Descriptor> Outside::ask(const std::string& request) {
  const std::lock_guard lock(mutex_);
  std::string reply;
  Descriptor fd;
  if (!send_message(socket_.get(), request, -1) || !receive_message(socket_.get(), reply, fd)) {
    return fail("the process outside does not answer");
  }
  if (reply.starts_with("-")) return fail("{}", reply.substr(1));
  return fd;
}

Result<Descriptor> Outside::listen(std::uint16_t port, bool again) {
  return ask(std::string(again ? kListenAgain : kListen) + std::to_string(port));
}

Result<int> enter(const EnclosureOptions& options, const std::function<int(Inside&)>& inside) {
  int pair[2];
  int life[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 || ::pipe2(life, O_CLOEXEC) != 0) {
    return fail("cannot open a socket pair: {}", error_text(errno));
  }
  Descriptor mine(pair[0]);
  Descriptor life_write(life[1]);
  sigset_t watched;
  sigset_t before;
  sigemptyset(&watched);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) sigaddset(&watched, signal);
  ::sigprocmask(SIG_BLOCK, &watched, &before);
  const bool privileged = ::geteuid() == 0;
  std::fflush(nullptr);
  const pid_t child = clone_namespaces();
  if (child == 0) {
    mine.reset();
    life_write.reset();
    run_inside(pair[1], life[0], privileged, inside);
  }
  const int error = errno;
  ::close(pair[1]);
  ::close(life[0]);
  if (child < 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return fail("cannot make namespaces: {}. {}", error_text(error), user_namespace_advice());
  }
  const auto give_up = [&](const std::string& why) -> std::unexpected<Error> {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return fail("{}. {}", why, user_namespace_advice());
  };
  if (auto mapped = write_map(child, privileged); !mapped) return give_up(mapped.error().message);
  send_message(mine.get(), "go", -1);
  std::string ready;
  Descriptor ignored;
  if (!receive_message(mine.get(), ready, ignored)) return give_up("the process inside ended before it was ready");
  if (ready.starts_with("-")) return give_up(ready.substr(1));
  const Descriptor signals(::signalfd(-1, &watched, SFD_CLOEXEC));
  const int code = serve(options, child, mine.get(), std::move(life_write), signals.get());
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return code;
}

}  // namespace fairlead::node
