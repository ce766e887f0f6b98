#include "engine/cli/follow.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "engine/cli/interrupt.h"
#include "engine/cli/successor.h"
#include "engine/cli/terminal.h"
#include "engine/cli/timeline.h"

namespace fairlead::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookInterval{250};
/// In which another Application of the same commit may bring what this one lacks: its AppProject, a namespace, a CRD.
constexpr std::chrono::seconds kMendTime{10};

std::optional<RolloutOutcome> decided(const ServiceStatus& service) {
  if (service.aborted) return RolloutOutcome::kAborted;
  // Nothing shifts back by itself: a deadline passed, or the spec is invalid, or its pods' is.
  if (service.phase == "Degraded" || !service.refused.empty()) return RolloutOutcome::kDegraded;
  if (service.promoted) return RolloutOutcome::kPromoted;
  if (service.inconclusive) return RolloutOutcome::kPaused;
  return std::nullopt;
}

/// One service of those that are followed.
class Watch {
 public:
  Watch(const gitops::ServiceChange& change, RolloutStory story)
      : story_(std::move(story)), rolls_out_(change.rolls_out) {
    status_.name = change.service;
  }

  [[nodiscard]] const std::string& service() const { return status_.name; }
  [[nodiscard]] bool over() const { return outcome_.has_value(); }
  void end(RolloutOutcome outcome) {
    if (!outcome_) outcome_ = outcome;
  }

  void look(const std::vector<ServiceStatus>& services, const std::string& commit, const Successor& successor) {
    const auto found = std::ranges::find(services, status_.name, &ServiceStatus::name);
    if (found != services.end()) status_ = *found;
    const bool replaced = successor.replaced(status_.name);
    const bool compared = status_.revision == commit || (!replaced && status_.revision == successor.head());
    synced_ = compared && (synced_ || status_.sync == "Synced");
    if (!synced_ || !status_.observed) {
      if (replaced) return end(RolloutOutcome::kReplaced);
      story_.waits(status_);
      return stuck(compared && status_.sync_failed);
    }
    if (!rolls_out_) return end(RolloutOutcome::kSynced);
    const auto outcome = decided(status_);
    // What was decided before anybody looked is told by its end alone.
    if (!outcome || !story_.empty()) story_.tells(status_);
    if (outcome) return end(*outcome);
    if (replaced) end(RolloutOutcome::kReplaced);
  }

  [[nodiscard]] Followed result(const std::string& commit, const std::string& newest) const {
    return {outcome_.value_or(RolloutOutcome::kTimedOut), status_, commit, newest};
  }

 private:
  void stuck(bool now) {
    if (!now) return stuck_since_.reset();
    if (!stuck_since_) stuck_since_ = SteadyClock::now();
    if (SteadyClock::now() - *stuck_since_ >= kMendTime) end(RolloutOutcome::kNotSynced);
  }

  RolloutStory story_;
  bool rolls_out_;
  ServiceStatus status_;
  bool synced_ = false;  ///< The Rollout in the cluster was that of the commit once: a person may have edited it since.
  std::optional<SteadyClock::time_point> stuck_since_;
  std::optional<RolloutOutcome> outcome_;
};

/// A line for each thing told, with the seconds since now and, among several services, whose it is.
std::vector<Watch> watches(const FollowOptions& options) {
  std::size_t width = 0;
  for (const gitops::ServiceChange& change : options.services) width = std::max(width, change.service.size() + 2);
  if (options.services.size() == 1) width = 0;
  std::vector<Watch> out;
  for (const gitops::ServiceChange& change : options.services) {
    const std::string name = width == 0 ? "" : fmt::format("{:<{}}", change.service, width);
    out.emplace_back(change, RolloutStory([quiet = options.quiet, start = SteadyClock::now(), name](
                                              const std::string& text, Tone tone) {
                       if (quiet) return;
                       const std::chrono::duration<double> since = SteadyClock::now() - start;
                       print(fmt::format("  {} {}{}\n", paint(Tone::kDim, fmt::format("{:6.1f} s", since.count())),
                                         paint(Tone::kBold, name), paint(tone, text)));
                     }));
  }
  return out;
}

}  // namespace

Result<std::vector<Followed>> follow_rollouts(const Project& project, Cluster& cluster, const FollowOptions& options) {
  Successor successor(project, options.commit);
  std::vector<Watch> all = watches(options);
  const auto under_way = [&] { return !std::ranges::all_of(all, &Watch::over); };
  const auto deadline = SteadyClock::now() + options.timeout;
  while (under_way() && SteadyClock::now() < deadline) {
    const auto services = cluster.services();
    if (!services && !interrupted()) return std::unexpected(services.error());
    if (services) {
      if (auto looked = successor.look(); !looked) return std::unexpected(looked.error());
      for (Watch& watch : all) {
        if (!watch.over()) watch.look(*services, options.commit, successor);
      }
    }
    if (interrupted()) {
      for (Watch& watch : all) watch.end(RolloutOutcome::kLeft);
    }
    if (under_way()) std::this_thread::sleep_for(kLookInterval);
  }
  std::vector<Followed> out;
  for (const Watch& watch : all) out.push_back(watch.result(options.commit, successor.head()));
  return out;
}

}  // namespace fairlead::cli
