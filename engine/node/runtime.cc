#include "engine/node/runtime.h"

#include <charconv>

#include "engine/node/files.h"

namespace fairlead::node {

namespace {

/// The last line of crun's log.
std::string why(const std::string& log) {
  std::string text = read_file(log).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

std::vector<std::string> Runtime::command(std::vector<std::string> rest) const {
  std::vector<std::string> argv = {"crun", "--cgroup-manager=disabled", "--root=" + root_};
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

void Runtime::start(const std::string& id, const std::string& bundle, int output, int errors,
                    const std::function<void(Result<pid_t>)>& started, std::function<void(Exit)> ended) {
  const std::string pid_file = bundle + "/pid";
  const std::string log = bundle + "/crun.log";
  remove_tree(pid_file);
  remove_tree(log);
  auto finish = [this, pid_file, log, started, ended = std::move(ended)](Exit exit) {
    const std::string text = read_file(pid_file).value_or("");
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    if (exit.code != 0 || pid <= 0) {
      std::string reason = why(log);
      if (reason.empty()) reason = fmt::format("crun ended with code {}", exit.code);
      return started(fail("{}", reason));
    }
    started(pid);
    reaper_.adopt(pid, ended);
  };
  // Without "file:" a colon in the path would end the kind of log.
  const auto argv =
      command({"--log=file:" + log, "run", "--detach", "--bundle=" + bundle, "--pid-file=" + pid_file, id});
  if (auto spawned = reaper_.spawn(argv, -1, output, errors, std::move(finish)); !spawned) {
    loop_.post([started, error = spawned.error()] { started(std::unexpected(error)); });
  }
}

void Runtime::exec(const ExecTarget& target, const std::vector<std::string>& argv, Duration timeout,
                   std::function<void(Outcome)> done) {
  Command run;
  run.timeout = timeout;
  if (argv.empty()) return loop_.post([done] { done({.exit = {127, 0}, .output = "no command is given"}); });
  auto entry = ContainerEntry::open(target.pid, target.user);
  if (!entry) {
    return loop_.post([done, why = entry.error().message] { done({.exit = {255, 0}, .output = why}); });
  }
  run.argv = argv;
  run.inside = std::make_shared<ContainerEntry>(*std::move(entry));
  run.environment = target.environment;
  reaper_.run(std::move(run), std::move(done));
}

void Runtime::remove(const std::string& id) {
  reaper_.run({.argv = command({"delete", "--force", id}), .input = {}}, [](const Outcome&) {});
}

}  // namespace fairlead::node
