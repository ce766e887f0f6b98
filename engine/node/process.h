// Starting programs and reaping everything that ends, on the node's loop.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/time.h"
#include "engine/node/container_entry.h"
#include "engine/node/loop.h"

namespace fairlead::node {

/// How a process ended, as a shell counts: its exit code, or 128 + signal.
struct Exit {
  int code = 0;
  int signal = 0;  ///< 0: it exited by itself.
};

struct Outcome {
  Exit exit;
  std::string output;  ///< stdout and stderr together, cut at kMaxOutput.
  bool timed_out = false;
};

inline constexpr std::size_t kMaxOutput = 64 * 1024;

struct Command {
  std::vector<std::string> argv;
  std::string input;                               ///< Given on stdin; empty: /dev/null.
  std::vector<std::string> environment{};          ///< "NAME=value"; empty: ours.
  std::shared_ptr<const ContainerEntry> inside{};  ///< Where it runs; null: beside us.
  Duration timeout{30'000};                        ///< Then SIGKILL.
};

/// The one place that waits for children. As PID 1 it also gets every orphan of the namespace, containers that crun
/// left behind among them. SIGCHLD must be blocked in every thread before the loop runs.
class Reaper {
 public:
  explicit Reaper(Loop& loop);
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  /// Runs a program and answers with what it printed. `done` is never called from inside this call.
  void run(Command command, std::function<void(Outcome)> done);
  /// Starts a program with these three descriptors (-1: /dev/null) and answers when it has ended.
  [[nodiscard]] Result<pid_t> spawn(const std::vector<std::string>& argv, int input, int output, int errors,
                                    std::function<void(Exit)> done, const std::vector<std::string>& environment = {},
                                    const ContainerEntry* inside = nullptr);
  /// Calls `done` when the orphan `pid` ends, at once (from the loop) if it already has.
  void adopt(pid_t pid, std::function<void(Exit)> done);
  /// Calls nobody back any more. Once the loop has ended.
  void forget();
  /// Whether it has not ended yet: `pid` is ours or an orphan somebody adopted.
  [[nodiscard]] bool knows(pid_t pid) const { return waiting_.contains(pid); }

 private:
  struct Capture;
  void reap();
  void read_output(const std::shared_ptr<Capture>& capture);
  void finish(const std::shared_ptr<Capture>& capture);

  Loop& loop_;
  Descriptor signals_;
  std::map<pid_t, std::function<void(Exit)>> waiting_;
  /// Orphans that ended before anybody adopted them; bounded, oldest out first.
  std::vector<std::pair<pid_t, Exit>> unclaimed_;
};

}  // namespace fairlead::node
