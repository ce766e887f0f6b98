// A real node for tests: waits for what reports say, asks containers over HTTP.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/testing_folder.h"
#include "engine/node/local_node.h"

namespace fairlead::node {

/// Runs posted tasks on a thread of its own: the control thread of these tests.
class ThreadExecutor final : public seam::Executor {
 public:
  ThreadExecutor();
  ~ThreadExecutor() override;
  void post(std::move_only_function<void()> task) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Cluster {
 public:
  /// Builds the workload image and starts a node under `directory`; a fresh one, removed at the end, where empty.
  explicit Cluster(Inside& inside, std::string directory = {});
  ~Cluster();

  LocalNode& node() { return *node_; }
  [[nodiscard]] const std::string& image() const { return image_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] bool privileged() const { return privileged_; }

  /// A pod of one container `main` that serves on 8080; `change` edits the tree first. Answers its uid.
  std::string run(const std::string& name, const std::function<void(Value&)>& change = {}, seam::PodInputs inputs = {});
  void run_again(const std::string& uid, const std::function<void(Value&)>& change, seam::PodInputs inputs = {});
  void stop(const std::string& uid, Duration grace = Duration{5'000});

  /// Waits up to ten seconds until the latest status of the pod satisfies `good`; false when it never does.
  bool wait(const std::string& uid, const std::function<bool(const Value& status)>& good);
  bool wait_ready(const std::string& uid);
  /// Sends a signal to the first process of the pod's container `main`, as somebody on the machine might.
  void signal(const std::string& uid, int number);
  bool wait_stopped(const std::string& uid);
  bool wait_note(const std::string& uid, const std::string& reason, const std::string& part);
  /// Every event so far, for messages of failed tests.
  [[nodiscard]] std::string notes(const std::string& uid);
  [[nodiscard]] Value status(const std::string& uid);
  [[nodiscard]] std::string ip(const std::string& uid);
  /// GET http://<pod>:8080/<path>, from the node: the body, or why there is none.
  [[nodiscard]] std::string ask(const std::string& uid, const std::string& path);
  [[nodiscard]] std::string logs(seam::LogRequest request);
  /// Sets the program and waits until the kernel has it. Pods that have an address are known to it, as control knows
  /// them.
  void program(const seam::NetworkProgram& program);
  /// While `held`, new pods stay unknown to the network.
  void hold_programs(bool held);
  /// Ends that with this program, which is the first to know the pods that came meanwhile.
  void release_with(const seam::NetworkProgram& program);

 private:
  bool wait_for(const std::function<bool()>& good);
  void send_program();

  std::optional<TemporaryFolder> temporary_;  ///< Where no directory was given.
  std::string directory_;
  std::string image_;
  bool privileged_;
  ThreadExecutor control_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, seam::PodReport> latest_;
  std::map<std::string, std::vector<seam::PodReport::Note>> notes_;
  std::map<std::string, std::shared_ptr<const Value>> pods_;
  std::mutex program_mutex_;
  seam::NetworkProgram program_;  ///< Under program_mutex_, as the two below.
  bool held_ = false;
  std::vector<seam::KnownPod> known_;
  std::unique_ptr<LocalNode> node_;
  int next_ = 1;
};

/// What the tests start with, below the usual hard limits.
inline constexpr unsigned long kSoftFileLimit = 1000;

/// The one cluster of this test program, and what it runs in.
Cluster& cluster();
Inside& inside();

}  // namespace fairlead::node
