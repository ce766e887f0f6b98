#include "engine/gitops/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/ranges.h>

#include "base/descriptor.h"

extern char** environ;

namespace fairlead::gitops {
namespace {

constexpr std::size_t kMaxOutput = 64U << 20U;  ///< Per stream; what comes after is read and dropped.
constexpr std::size_t kQuotedLines = 12;

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return fail("cannot make a pipe: {}", std::strerror(errno));
  return Pipe{Descriptor(fds[0]), Descriptor(fds[1])};
}

/// Standard input is a socket: a program that ends before it has read everything must not end us by SIGPIPE.
Result<Pipe> make_input() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0)
    return fail("cannot make a socket pair: {}", std::strerror(errno));
  return Pipe{Descriptor(fds[0]), Descriptor(fds[1])};
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& s : strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment(const ProgramOptions& options) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const bool replaced =
        std::ranges::any_of(options.env, [&](const auto& pair) { return text.starts_with(pair.first + "="); });
    if (!replaced) out.emplace_back(text);
  }
  for (const auto& [key, value] : options.env) out.push_back(key + "=" + value);
  return out;
}

/// Splits what arrives into lines and hands each on.
class LineFeed {
 public:
  explicit LineFeed(const std::function<void(std::string_view)>& sink) : sink_(sink) {}
  void add(std::string_view chunk) {
    if (!sink_) return;
    pending_ += chunk;
    std::size_t start = 0;
    for (std::size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n', start)) {
      sink_(std::string_view(pending_).substr(start, end - start));
      start = end + 1;
    }
    pending_.erase(0, start);
  }
  void finish() {
    if (sink_ && !pending_.empty()) sink_(pending_);
  }

 private:
  const std::function<void(std::string_view)>& sink_;
  std::string pending_;
};

void append_limited(std::string& to, std::string_view chunk) {
  to += chunk.substr(0, std::min(chunk.size(), kMaxOutput - std::min(kMaxOutput, to.size())));
}

/// Feeds standard input and collects both outputs until the program has closed them.
void exchange(Descriptor& in, Descriptor& out, Descriptor& err, const ProgramOptions& options, ProgramResult& result) {
  LineFeed out_lines(options.on_line);
  LineFeed err_lines(options.on_line);
  std::string_view input = options.input;
  if (input.empty()) in.reset();
  std::array<char, 16384> buffer{};
  const auto drain = [&](Descriptor& from, std::string& to, LineFeed& lines) {
    const ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) return from.reset();
    const std::string_view chunk(buffer.data(), static_cast<std::size_t>(n));
    append_limited(to, chunk);
    if (options.on_line && &to == &result.error) append_limited(result.output, chunk);
    lines.add(chunk);
  };
  while (out.get() >= 0 || err.get() >= 0) {
    std::array<pollfd, 3> fds{{{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}, {in.get(), POLLOUT, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) break;
    if (fds[0].revents != 0) drain(out, result.output, out_lines);
    if (fds[1].revents != 0) drain(err, result.error, err_lines);
    if (fds[2].revents != 0) {
      // A program that prints before it has read everything must not meet us waiting here.
      const ssize_t n = ::send(in.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
      if (input.empty() || (n < 0 && errno != EINTR && errno != EAGAIN)) in.reset();
    }
  }
  out_lines.finish();
  err_lines.finish();
}

}  // namespace

Result<ProgramResult> run_program(const std::vector<std::string>& argv, const ProgramOptions& options) {
  FAIRLEAD_ASSERT(!argv.empty());
  auto in = make_input();
  auto out = make_pipe();
  auto err = make_pipe();
  if (!in || !out || !err) return fail("{}: too many open files", argv.front());

  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in->read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out->write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err->write.get(), STDERR_FILENO);
  if (!options.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
  posix_spawnattr_t attributes{};
  posix_spawnattr_init(&attributes);
  sigset_t none{};
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  sigset_t defaults{};
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> arguments = argv;
  std::vector<std::string> variables = environment(options);
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, argv.front().c_str(), &actions, &attributes, pointers(arguments).data(),
                                     pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  const bool directory_there = options.directory.empty() || ::access(options.directory.c_str(), F_OK) == 0;
  if (failure == ENOENT && directory_there)
    return fail("{} is not installed: tools/setup installs what is needed here", argv.front());
  if (failure != 0) return fail("cannot run {}: {}", argv.front(), std::strerror(failure));

  in->read.reset();
  out->write.reset();
  err->write.reset();
  ProgramResult result;
  exchange(in->write, out->read, err->read, options, result);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

Result<std::string> check_program(const std::vector<std::string>& argv, const ProgramOptions& options) {
  auto result = run_program(argv, options);
  if (!result) return std::unexpected(result.error());
  if (result->exit_code == 0) return std::move(result->output);
  std::string_view said = result->error.empty() ? result->output : result->error;
  while (said.ends_with('\n')) said.remove_suffix(1);
  std::size_t start = said.size();
  for (std::size_t lines = 0; lines < kQuotedLines && start != std::string_view::npos && start > 0; ++lines) {
    start = said.rfind('\n', start - 1);
  }
  if (start != std::string_view::npos && start < said.size()) said.remove_prefix(start);
  return fail("`{}` failed (exit code {}): {}", fmt::join(argv, " "), result->exit_code, said);
}

}  // namespace fairlead::gitops
