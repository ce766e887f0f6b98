// What every controller is: a reconciler of one kind, run by the Manager on the control thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "engine/api/api.h"

namespace fairlead::control {

/// When to look at the same object again even if nothing happens.
struct Again {
  std::optional<Duration> after;

  static Again when_changed() { return {}; }
  static Again in(Duration d) { return {d}; }
};

/// Marks objects for a reconciler to look at. A key that is marked twice is looked at once.
class Queue {
 public:
  virtual ~Queue() = default;
  virtual void add(const api::Key& key) = 0;
};

/// One class per kind. Reads the world through the Api, writes objects back, never blocks or sleeps. Everything it
/// remembers between calls can be found again from the objects.
class Reconciler {
 public:
  virtual ~Reconciler() = default;
  /// "deployment": for logs.
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Something changed: put the keys that it concerns into `queue`. Called for every event, in order; must be quick.
  virtual void observe(const api::Event& event, Queue& queue) = 0;
  /// Brings one object nearer to what it should be. An error is retried with growing delay.
  [[nodiscard]] virtual Result<Again> reconcile(const api::Key& key) = 0;
};

/// A key that fails is tried again after 5 ms, 10 ms, 20 ms … at most 1000 s, unless it is marked before.
/// Source: k8s.io/client-go/util/workqueue/default_rate_limiters.go, DefaultTypedControllerRateLimiter.
inline constexpr Duration kFirstRetry{5};
inline constexpr Duration kLongestRetry{1'000'000};
/// How often one key may be looked at without the clock moving. More is a controller that chases its own writes.
inline constexpr std::size_t kMaxLooksPerInstant = 10'000;

/// Runs reconcilers from one deduplicating queue, in a deterministic order: by the time at which a key became due, then
/// by the order in which the reconcilers were added, then first come, first served. The last answer of `reconcile`
/// decides when a key is looked at again; an event in between makes it due at once. Control thread only.
class Manager {
 public:
  explicit Manager(api::Api& api);
  ~Manager();

  /// Reconcilers are run in the order they were added when several have work at the same moment.
  void add(std::unique_ptr<Reconciler> reconciler);
  /// Shows every stored object to every reconciler as kAdded, then follows the store.
  void start();
  /// Runs what is due now, at most `limit` reconciliations; true when more is due.
  bool run(std::size_t limit);
  /// Marks a key for the reconciler called `name` from outside an event: a seam's answer has arrived.
  void wake(std::string_view name, const api::Key& key);
  /// When the next delayed look is due; nothing when none is.
  [[nodiscard]] std::optional<Time> next_due() const;
  /// Called whenever work appears outside `run` while none was queued, so that a loop can schedule `run`.
  void on_work(std::function<void()> callback);
  /// Called for every error that a reconciler answered, before the key waits for its next try: for the log.
  void on_error(std::function<void(std::string_view name, const api::Key& key, const Error& error)> callback);

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< Shared only so that the store's observer can see that the Manager is gone.
};

}  // namespace fairlead::control
