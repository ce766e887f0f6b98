#include "engine/node/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "engine/node/file_limit.h"
#include "engine/node/files.h"

extern char** environ;

namespace fairlead::node {

namespace {

constexpr std::size_t kMaxUnclaimed = 1024;

Exit exit_of(int status) {
  if (WIFSIGNALED(status)) return {128 + WTERMSIG(status), WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

/// As exec takes them: valid while `strings` is.
std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// As posix_spawn below, for a process that must do more before it executes; the child makes system calls only.
pid_t fork_inside(const ContainerEntry& inside, const std::vector<std::string>& argv, const std::array<int, 3>& streams,
                  const std::vector<std::string>& environment) {
  const auto programs = ContainerEntry::candidates(argv[0], environment);
  const auto raw = pointers(argv);
  const auto raw_environment = pointers(environment);
  const rlimit files = container_file_limit();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::setrlimit(RLIMIT_NOFILE, &files);
  for (int target = 0; target < 3; ++target) {
    const int given = streams[static_cast<std::size_t>(target)];
    ::dup2(given >= 0 ? given : ::open("/dev/null", O_RDWR | O_CLOEXEC), target);
  }
  inside.execute(programs, raw.data(), raw_environment.data());
}

}  // namespace

struct Reaper::Capture {
  Descriptor pipe;
  Outcome outcome;
  bool exited = false;
  bool closed = false;
  Loop::Timer timer;
  std::function<void(Outcome)> done;
};

Reaper::Reaper(Loop& loop) : loop_(loop) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  FAIRLEAD_ASSERT(signals_);
  loop_.watch(signals_.get(), EPOLLIN, [this](std::uint32_t) {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) > 0) {
    }
    reap();
  });
}

void Reaper::forget() {
  // What a callback held may bring others as it goes.
  while (!waiting_.empty()) std::exchange(waiting_, {});
}

Reaper::~Reaper() { loop_.unwatch(signals_.get()); }

void Reaper::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto found = waiting_.find(pid);
    if (found == waiting_.end()) {
      if (unclaimed_.size() >= kMaxUnclaimed) unclaimed_.erase(unclaimed_.begin());
      unclaimed_.emplace_back(pid, exit_of(status));
      continue;
    }
    auto done = std::move(found->second);
    waiting_.erase(found);
    done(exit_of(status));
  }
}

void Reaper::adopt(pid_t pid, std::function<void(Exit)> done) {
  for (auto it = unclaimed_.begin(); it != unclaimed_.end(); ++it) {
    if (it->first != pid) continue;
    loop_.post([done = std::move(done), exit = it->second]() mutable { done(exit); });
    unclaimed_.erase(it);
    return;
  }
  waiting_[pid] = std::move(done);
}

Result<pid_t> Reaper::spawn(const std::vector<std::string>& argv, int input, int output, int errors,
                            std::function<void(Exit)> done, const std::vector<std::string>& environment,
                            const ContainerEntry* inside) {
  if (inside != nullptr) {
    const pid_t pid = fork_inside(*inside, argv, {input, output, errors}, environment);
    if (pid < 0) return fail("cannot start {}: {}", argv[0], error_text(errno));
    adopt(pid, std::move(done));
    return pid;
  }
  const auto raw = pointers(argv);
  const auto raw_environment = pointers(environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  int target = 0;
  for (const int fd : {input, output, errors}) {
    if (fd < 0) {
      posix_spawn_file_actions_addopen(&actions, target, "/dev/null", target == 0 ? O_RDONLY : O_WRONLY, 0);
    } else {
      posix_spawn_file_actions_adddup2(&actions, fd, target);
    }
    ++target;
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, raw[0], &actions, &attributes, raw.data(),
                                   environment.empty() ? environ : raw_environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail("cannot start {}: {}", argv[0], error_text(error));
  adopt(pid, std::move(done));
  return pid;
}

void Reaper::run(Command command, std::function<void(Outcome)> done) {
  auto capture = std::make_shared<Capture>();
  capture->done = std::move(done);
  int out[2] = {-1, -1};
  int in[2] = {-1, -1};
  const auto refuse = [&](const char* what, int error) {
    capture->outcome = {.exit = {127, 0}, .output = fmt::format("cannot make {}: {}", what, error_text(error))};
    loop_.post([capture] { capture->done(std::move(capture->outcome)); });
  };
  if (::pipe2(out, O_CLOEXEC) != 0) return refuse("a pipe", errno);
  capture->pipe.reset(out[0]);
  Descriptor write_end(out[1]);
  ::fcntl(out[0], F_SETFL, O_NONBLOCK);
  Descriptor input_read;
  Descriptor input_write;
  if (!command.input.empty()) {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0) return refuse("a socket pair", errno);
    input_read.reset(in[0]);
    input_write.reset(in[1]);
  }
  auto ended = [this, capture](Exit exit) {
    capture->outcome.exit = exit;
    capture->exited = true;
    finish(capture);
  };
  auto started = spawn(command.argv, input_read.get(), write_end.get(), write_end.get(), std::move(ended),
                       command.environment, command.inside.get());
  if (!started) {
    capture->outcome = {.exit = {127, 0}, .output = started.error().message};
    loop_.post([capture] { capture->done(std::move(capture->outcome)); });
    return;
  }
  input_read.reset();
  if (input_write) {
    // Sent by a watcher so that a program which is slow to read never stops the loop.
    auto rest = std::make_shared<std::pair<Descriptor, std::string>>(std::move(input_write), std::move(command.input));
    ::fcntl(rest->first.get(), F_SETFL, O_NONBLOCK);
    loop_.watch(rest->first.get(), EPOLLOUT, [this, rest](std::uint32_t) {
      const ssize_t put = ::send(rest->first.get(), rest->second.data(), rest->second.size(), MSG_NOSIGNAL);
      if (put > 0) rest->second.erase(0, static_cast<std::size_t>(put));
      if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (put > 0 && !rest->second.empty()) return;
      loop_.unwatch(rest->first.get());
      rest->first.reset();
    });
  }
  const pid_t pid = *started;
  capture->timer = loop_.after(command.timeout, [this, capture, pid] {
    capture->outcome.timed_out = true;
    if (!capture->exited && knows(pid)) ::kill(pid, SIGKILL);
    capture->closed = true;  // A grandchild may hold the pipe open for ever.
    finish(capture);
  });
  loop_.watch(out[0], EPOLLIN, [this, capture](std::uint32_t) { read_output(capture); });
}

void Reaper::read_output(const std::shared_ptr<Capture>& capture) {
  char buffer[8192];
  const ssize_t got = ::read(capture->pipe.get(), buffer, sizeof buffer);
  if (got > 0) {
    const auto room = kMaxOutput - std::min(kMaxOutput, capture->outcome.output.size());
    capture->outcome.output.append(buffer, std::min(static_cast<std::size_t>(got), room));
    return;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  capture->closed = true;
  loop_.unwatch(capture->pipe.get());
  capture->pipe.reset();
  finish(capture);
}

void Reaper::finish(const std::shared_ptr<Capture>& capture) {
  if (!capture->exited || !capture->closed || !capture->done) return;
  loop_.cancel(capture->timer);
  if (capture->pipe) {
    loop_.unwatch(capture->pipe.get());
    capture->pipe.reset();
  }
  auto done = std::exchange(capture->done, nullptr);
  done(std::move(capture->outcome));
}

}  // namespace fairlead::node
