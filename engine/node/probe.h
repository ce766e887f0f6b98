// Probing a container: one attempt, and the worker that repeats it (pkg/kubelet/prober of k8s.io/kubernetes).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/time.h"
#include "base/value.h"
#include "engine/node/dial.h"
#include "engine/node/runtime.h"

namespace fairlead::node {

/// What an attempt needs to know about its container.
struct ProbeTarget {
  Address address = 0;
  ExecTarget exec;
  const Value* container = nullptr;  ///< For named ports.
};

/// One attempt of a handler (`httpGet`, `tcpSocket`, `grpc` or `exec`, as in a v1.Probe or v1.LifecycleHandler). `done`
/// is called once, from the loop, at the latest when `timeout` has passed.
void attempt(Loop& loop, Runtime& runtime, const Value& handler, const ProbeTarget& target, Duration timeout,
             std::function<void(ProbeResult)> done);

/// How a probe is repeated.
struct ProbePlan {
  std::chrono::steady_clock::time_point container_started;  ///< What initialDelaySeconds counts from.
  /// For liveness and startup: a failure ends the container, and whoever is being ended is asked no more.
  bool ends_with_failure = false;
};

/// Repeats one probe of one running container and reports changes of its result. Destroying it ends it.
class ProbeWorker {
 public:
  struct Callbacks {
    std::function<void()> succeeded;  ///< Threshold reached, result was not success before.
    std::function<void()> failed;     ///< Likewise; for liveness and startup this ends the container.
    std::function<void(const std::string& message)> unhealthy;  ///< Every failed attempt.
  };

  ProbeWorker(Loop& loop, Runtime& runtime, const Value& probe, ProbeTarget target, ProbePlan plan,
              Callbacks callbacks);
  ~ProbeWorker();
  ProbeWorker(const ProbeWorker&) = delete;
  ProbeWorker& operator=(const ProbeWorker&) = delete;

 private:
  void run();
  void judge(const ProbeResult& result);

  Loop& loop_;
  Runtime& runtime_;
  const Value probe_;
  const ProbeTarget target_;
  const ProbePlan plan_;
  Callbacks callbacks_;
  std::chrono::steady_clock::time_point attempt_;  ///< When the last one began.
  int successes_ = 0;
  int failures_ = 0;
  int result_ = 0;  ///< 1 success, -1 failure, 0 not known yet.
  bool ever_answered_ = false;
  Loop::Timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fairlead::node
