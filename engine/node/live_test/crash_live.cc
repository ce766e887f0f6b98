// What is left of a cluster that is stopped, or whose processes are killed from outside, and whether the next one
// starts where it stood.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <thread>

#include "base/testing_folder.h"
#include "engine/node/files.h"
#include "engine/node/live_test/cluster.h"
#include "engine/node/machine.h"
#include "engine/node/mounts.h"

namespace fairlead::node {
namespace {

constexpr int kSkipped = 77;
constexpr int kPods = 3;

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  std::string started;  ///< Tells it from a later one with the same number.
  std::string network;
  std::string cgroup;
  friend bool operator<(const Process& a, const Process& b) {
    return std::tie(a.pid, a.started) < std::tie(b.pid, b.started);
  }
};

/// Everything that runs on the machine, as the host sees it.
std::vector<Process> processes() {
  std::vector<Process> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    Process one;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), one.pid);
    if (parsed.ec != std::errc()) continue;
    const std::string stat = read_file(entry.path().string() + "/stat").value_or("");
    const auto paren = stat.rfind(')');
    if (paren == std::string::npos || stat[paren + 2] == 'Z') continue;
    std::istringstream fields(stat.substr(paren + 4));
    std::vector<std::string> columns;
    for (std::string column; fields >> column;) columns.push_back(column);
    one.parent = std::atoi(columns.at(0).c_str());
    one.started = columns.at(18);
    one.network = std::filesystem::read_symlink(entry.path() / "ns/net", error).string();
    one.cgroup = read_file(entry.path().string() + "/cgroup").value_or("");
    out.push_back(std::move(one));
  }
  return out;
}

std::set<Process> descendants(pid_t root) {
  const auto all = processes();
  std::set<pid_t> family = {root};
  for (bool grown = true; grown;) {
    grown = false;
    for (const Process& one : all) grown = (family.contains(one.parent) && family.insert(one.pid).second) || grown;
  }
  std::set<Process> out;
  for (const Process& one : all) {
    if (family.contains(one.pid)) out.insert(one);
  }
  return out;
}

/// The cluster of the tests: pods that run until something kills them. Writes one line about them into `ready`.
[[noreturn]] void run_cluster(const std::string& directory, int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto code = enter({}, [&](Inside& inside) {
    Cluster cluster(inside, directory);
    std::string line;
    for (int i = 0; i < kPods; ++i) {
      const auto uid = cluster.run(fmt::format("pod{}", i));
      line += cluster.wait_ready(uid) ? cluster.ip(uid) + " " : "not-ready " + cluster.notes(uid);
    }
    line += "\n";
    (void)!::write(ready, line.data(), line.size());
    ::close(ready);
    for (;;) ::pause();
    return 0;
  });
  const std::string line = code ? "ended\n" : code.error().message + "\n";
  (void)!::write(ready, line.data(), line.size());
  ::_exit(1);
}

class Crash : public ::testing::Test {
 protected:
  void TearDown() override { end(SIGKILL, false); }

  /// Starts a cluster and answers what it says of itself once all its pods are ready.
  std::string start() {
    int ready[2];
    EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    engine_ = ::fork();
    if (engine_ == 0) run_cluster(directory_, ready[1]);
    ::close(ready[1]);
    std::string line;
    char buffer[1024];
    for (ssize_t got = 0; (got = ::read(ready[0], buffer, sizeof buffer)) > 0;) {
      line.append(buffer, static_cast<std::size_t>(got));
      if (line.ends_with('\n')) break;
    }
    ::close(ready[0]);
    family_ = descendants(engine_);
    return line;
  }

  /// Kills the outer or the inner of the two processes, and waits for the outer.
  void end(int signal, bool inner) {
    if (engine_ <= 0) return;
    pid_t target = engine_;
    for (const Process& one : family_) {
      if (inner && one.parent == engine_) target = one.pid;
    }
    ::kill(target, signal);
    ::waitpid(engine_, nullptr, 0);
    engine_ = -1;
  }

  /// What of the last cluster is still there after a moment; empty when nothing is.
  std::string left() {
    std::string out;
    for (int i = 0; i < 500; ++i) {
      out.clear();
      std::set<std::string> networks;
      for (const Process& one : processes()) {
        networks.insert(one.network);
        if (family_.contains(one)) out += fmt::format("process {}; ", one.pid);
      }
      const std::string own = std::filesystem::read_symlink("/proc/self/ns/net").string();
      for (const Process& one : family_) {
        if (one.network != own && networks.contains(one.network)) out += "network namespace " + one.network + "; ";
      }
      if (out.empty()) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (read_file("/proc/self/mountinfo").value_or("").find(directory_) != std::string::npos) out += "a mount; ";
    return out;
  }

  const TemporaryFolder temporary_{"crash"};
  const std::string directory_ = temporary_.path();
  pid_t engine_ = -1;
  std::set<Process> family_;
};

TEST_F(Crash, KillingEitherProcessLeavesNothingAndTheNextStartGoesOn) {
  std::set<std::string> addresses;
  for (const bool inner : {false, true, false}) {
    const std::string line = start();
    ASSERT_EQ(line.find("not-ready"), std::string::npos) << line;
    ASSERT_TRUE(line.starts_with("10.244.")) << line;
    EXPECT_GE(family_.size(), 2U + kPods) << "outside, inside, and a process per pod";
    std::set<std::string> networks;
    const std::string own = read_file("/proc/self/cgroup").value_or("");
    for (const Process& one : family_) {
      networks.insert(one.network);
      EXPECT_EQ(one.cgroup, own) << "a group of its own would outlive it";
    }
    if (::geteuid() == 0) {
      EXPECT_GE(networks.size(), 2U + kPods) << "the host's, the cluster's, and one per pod";
    }
    std::istringstream parts(line);
    for (std::string ip; parts >> ip;) EXPECT_TRUE(addresses.insert(ip).second) << ip << " was used before the crash";
    end(SIGKILL, inner);
    EXPECT_EQ(left(), "") << (inner ? "after the inner process was killed" : "after the outer process was killed");
  }
  std::error_code error;
  std::filesystem::remove_all(directory_ + "/run", error);
  EXPECT_FALSE(error) << "its owner can remove what is left of the layers: " << error.message();
}

/// What lies in a directory, by name; nothing where there is none.
std::string names_in(const std::string& directory) {
  std::string out;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
    out += directory + "/" + entry.path().filename().string() + "; ";
  }
  return out;
}

/// Runs `test` inside an enclosure of its own, in the directory `where`, and answers what it found wrong.
std::string wrong_inside(const std::string& where, const std::function<std::string(Inside&)>& test) {
  int said[2];
  if (::pipe2(said, O_CLOEXEC) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    const auto code = enter({}, [&](Inside& inside) {
      const std::string wrong = ::chdir(where.c_str()) == 0 ? test(inside) : "cannot enter " + where;
      return wrong.empty() || ::write(said[1], wrong.data(), wrong.size()) > 0 ? 0 : 1;
    });
    if (!code) std::fprintf(stderr, "%s\n", code.error().message.c_str());
    ::_exit(code ? *code : 1);
  }
  ::close(said[1]);
  std::string wrong;
  char buffer[1024];
  for (ssize_t got = 0; (got = ::read(said[0], buffer, sizeof buffer)) > 0;)
    wrong.append(buffer, static_cast<std::size_t>(got));
  ::close(said[0]);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) wrong += fmt::format("; it ended with {}", status);
  return wrong;
}

void with_volume(Value& pod) {
  pod.make("spec", "containers").mutable_items()[0]["volumeMounts"] =
      Value::array({Value::object({{"name", "out"}, {"mountPath", "/out"}})});
  pod.make("spec", "volumes") = Value::array({Value::object({{"name", "out"}, {"emptyDir", Value::object()}})});
}

/// Ends a node while its pod is ready. What that left, or why it could not be tried.
std::string left_after_a_stop(Inside& inside, const std::string& directory) {
  {
    Cluster cluster(inside, directory);
    const auto uid = cluster.run("ends-with-its-node", with_volume);
    if (!cluster.wait_ready(uid)) return "not ready: " + cluster.notes(uid);
    if (names_in(directory + "/run/volumes").empty()) return "the pod has no volume";
  }
  std::string left = names_in(".");
  for (const char* name : {"/run/volumes", "/run/layers", "/run/trash", "/run/live"})
    left += names_in(directory + name);
  return left;
}

TEST_F(Crash, ANodeThatEndsWithAReadyPodLeavesNoneOfItsFilesAnywhere) {
  const TemporaryFolder elsewhere("elsewhere");
  EXPECT_EQ(wrong_inside(elsewhere.path(), [&](Inside& inside) { return left_after_a_stop(inside, directory_); }), "");
  EXPECT_EQ(names_in(elsewhere.path()), "");
}

/// Whether what a container writes outside of volumes lies below `layers` of the state directory.
std::string wrong_layers(Inside& inside, const std::string& directory, const std::string& layers) {
  Cluster cluster(inside, directory);
  const auto uid = cluster.run("writes", [](Value& pod) {
    pod.make("spec", "containers").mutable_items()[0]["securityContext"] = Value::object({{"runAsUser", 0}});
  });
  if (!cluster.wait_ready(uid)) return "not ready: " + cluster.notes(uid);
  if (const auto answer = cluster.ask(uid, "write/file"); answer != "ok") return answer;
  const std::string file = directory + layers + "/" + uid + "/main/upper/file";
  return read_file(file).value_or("") == "written" ? "" : "not there: " + file;
}

TEST_F(Crash, ACheckoutMayLieUnderAnyName) {
  for (const char* name : {"/a:b", "/a,b", "/Ö :\\,=\"x"}) {
    const std::string state = directory_ + name + "/.fairlead";
    EXPECT_EQ(wrong_inside("/", [&](Inside& inside) { return wrong_layers(inside, state, "/run/layers"); }), "");
  }
}

TEST_F(Crash, LayersAreInMemoryWhereTheFileSystemCannotHoldThem) {
  // One that cannot is that which containers have.
  const auto test = [&](Inside& inside) -> std::string {
    const std::string root = directory_ + "/root";
    for (const std::string& part : {directory_ + "/lower", root}) {
      if (auto ok = make_directories(part); !ok) return ok.error().message;
    }
    if (const auto fine = check_layers(directory_); !fine) return "on disk: " + fine.error().message;
    if (auto ok = mount_overlay(directory_ + "/lower", directory_ + "/layer", root); !ok) return ok.error().message;
    if (check_layers(root)) return "layers of layers pass for possible";
    return wrong_layers(inside, root + "/.fairlead", "/run/live/layers");
  };
  EXPECT_EQ(wrong_inside("/", test), "");
}

}  // namespace

int run(int argc, char** argv) {
  for (const auto& check : check_machine()) {
    const bool needed =
        check.name == "user namespaces" || check.name == "overlayfs" || check.name == "crun" || check.name == "nft";
    if (check.ok || !needed) continue;
    std::fprintf(stderr, "SKIPPED: %s: %s. %s\n", check.name.c_str(), check.detail.c_str(), check.advice.c_str());
    return kSkipped;
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

}  // namespace fairlead::node

int main(int argc, char** argv) { return fairlead::node::run(argc, argv); }
