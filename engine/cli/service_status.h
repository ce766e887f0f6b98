// One service as a person wants to see it, computed from the objects of its delivery.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace fairlead::cli {

/// One version of a service that has pods.
struct VersionStatus {
  std::string role;     ///< "stable", "canary" or, while it is scaled down, "old".
  std::string version;  ///< The image's tag, shortened when it is a commit SHA.
  std::string label;    ///< For people: the version, with the hash where another one has the same.
  std::string hash;     ///< rollouts-pod-template-hash.
  std::int64_t ready = 0;
  std::int64_t pods = 0;
  std::optional<std::int64_t> weight;  ///< Per cent of the traffic; absent where pods alone decide it.
  std::optional<double> request_rate;  ///< Per second, over the last window.
  std::optional<double> error_rate;    ///< 0 to 1.
  std::optional<double> p99_seconds;
};

/// One metric of an AnalysisRun: what it asks, and what it measured.
struct Evidence {
  std::string analysis_run;
  std::string metric;
  std::string phase;
  std::string query;
  std::string success_condition;  ///< Must hold; empty for none.
  std::string failure_condition;  ///< Must not hold; empty for none.
  struct Measurement {
    std::string at;
    std::string phase;
    std::string value;
    std::string message;
  };
  std::vector<Measurement> measurements;
};

struct ServiceStatus {
  std::string name;
  std::string ns;
  std::string health;        ///< Argo CD's word.
  std::string sync;          ///< "Synced", "OutOfSync", "Unknown".
  std::string revision;      ///< Commit SHA that it was compared to.
  bool sync_failed = false;  ///< `revision` cannot be synced as things are.
  std::string phase;         ///< Argo Rollouts' word.
  std::string message;
  std::string step;  ///< "2/4", or empty when nothing is under way.
  std::string aborted_at;
  bool observed = false;  ///< All of this speaks of the Rollout as it is now: the controller has seen it.
  bool aborted = false;
  bool promoted = false;      ///< The wanted version is the stable one.
  std::string refused;        ///< Why the wanted version has no ReplicaSet, of which the phase says nothing; or empty.
  bool inconclusive = false;  ///< Paused by an analysis that could not tell.
  std::vector<VersionStatus> versions;
  std::vector<Evidence> analysis;  ///< Every metric of the wanted version's AnalysisRuns.
  std::vector<Evidence> evidence;  ///< Those of them that keep it from being promoted.
  /// What keeps it from being synced: its Application's conditions and failed sync, or that there is no Application.
  std::vector<std::string> conditions;
  /// What keeps it from the wanted state, a sentence each: those conditions, and pods that do not run.
  std::vector<std::string> problems;
};

/// An Application as a person wants to see it, whatever it brings.
struct ApplicationStatus {
  std::string name;
  std::string health;  ///< Argo CD's word, as `sync`.
  std::string sync;
  std::string revision;               ///< Commit SHA that it was compared to.
  std::vector<std::string> problems;  ///< What keeps it from Synced and Healthy, a sentence each.
  [[nodiscard]] bool well() const { return sync == "Synced" && health == "Healthy"; }
};

[[nodiscard]] ApplicationStatus summarise_application(const Value& application);

/// Everything that one service's status is computed from: lists of objects of its namespace, and its Application.
struct ServiceObjects {
  Value rollout;
  Value application;
  std::vector<Value> replica_sets;
  std::vector<Value> analysis_runs;
  std::vector<Value> pods;
  std::vector<Value> events;           ///< About those of the pods that fail probes.
  std::vector<std::string> buildable;  ///< Services of apps/: images that `ship` can make.
};

inline constexpr std::string_view kHashLabel = "rollouts-pod-template-hash";

[[nodiscard]] bool owned_by(const Value& object, const Value& owner);

/// Load that is enough for the gates of a rollout, for as long as one takes.
inline constexpr std::string_view kLoadCommand = "fairlead load --rate 60 --duration 3m";

/// Every pod of every version is ready. After a restart the stored health is older than the pods.
[[nodiscard]] bool all_ready(const ServiceStatus& status);

/// What a service stands at that serves its stable version in full but not the wanted one: "rolled back", "paused" or
/// "in its canary". Empty where it is healthy or does not serve.
[[nodiscard]] std::string_view standing(const ServiceStatus& status);

[[nodiscard]] ServiceStatus summarise(const ServiceObjects& objects);

/// Shown for an image "registry/name:tag@sha256:…": the tag, or twelve digits of the digest.
[[nodiscard]] std::string version_of(std::string_view image);

[[nodiscard]] Value to_value(const ServiceStatus& status);
[[nodiscard]] Value to_value(const ApplicationStatus& status);
/// The table over all services and, below it, the evidence of those that went back.
[[nodiscard]] std::string to_text(const std::vector<ServiceStatus>& services);
/// What keeps an Application from being well; empty for one that is.
[[nodiscard]] std::string to_text(const ApplicationStatus& application);

}  // namespace fairlead::cli
