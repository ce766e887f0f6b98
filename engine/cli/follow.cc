#include "engine/cli/follow.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <thread>

#include "base/image_reference.h"
#include "engine/cli/interrupt.h"
#include "engine/cli/successor.h"
#include "engine/cli/terminal.h"

namespace fairlead::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookInterval{250};

/// What changed since the last look, as one line.
std::string progress_line(const ServiceStatus& service) {
  std::string out = service.phase;
  if (!service.step.empty()) out += fmt::format("  step {}", service.step);
  for (const VersionStatus& v : service.versions) {
    if (v.role == "old") continue;
    out += fmt::format("  {} {} {}/{} pods", v.role, v.label, v.ready, v.pods);
    if (v.weight) out += fmt::format(" {} %", *v.weight);
  }
  return out;
}

class Timeline {
 public:
  explicit Timeline(bool quiet) : quiet_(quiet), start_(SteadyClock::now()) {}

  /// Whether nothing was told so far.
  [[nodiscard]] bool empty() const { return last_.empty(); }
  /// What has happened, once.
  void happened(const std::string& text, Tone tone) {
    if (!quiet_) line(text, tone);
  }
  /// How things stand, where that has changed.
  void stands(const std::string& text) {
    if (quiet_ || text == last_) return;
    last_ = text;
    line(text, Tone::kPlain);
  }

 private:
  void line(const std::string& text, Tone tone) const {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - start_).count();
    print(fmt::format("  {} {}\n", paint(Tone::kDim, fmt::format("{:6.1f} s", static_cast<double>(ms) / 1000.0)),
                      paint(tone, text)));
  }

  bool quiet_;
  SteadyClock::time_point start_;
  std::string last_;
};

bool runs_digest(const ServiceStatus& service, const std::string& digest) {
  return service.observed && std::ranges::any_of(service.images, [&](const std::string& image) {
           return ImageReference::parse(image).digest == digest;
         });
}

/// "[0.00928]" for "[0.009280000000000002]": what a person reads while it goes by; `status` has every digit.
std::string rounded(std::string_view value) {
  if (!value.starts_with('[') || !value.ends_with(']')) return std::string(value);
  const std::string_view inner = value.substr(1, value.size() - 2);
  double number = 0;
  const auto [end, error] = std::from_chars(inner.data(), inner.data() + inner.size(), number);
  if (error != std::errc() || end != inner.data() + inner.size()) return std::string(value);
  return fmt::format("[{:.3g}]", number);
}

/// What the canary's AnalysisRuns measured, in order.
void say_measurements(const ServiceStatus& service, std::set<std::string>& said, Timeline& timeline) {
  if (std::ranges::find(service.versions, "canary", &VersionStatus::role) == service.versions.end()) return;
  for (const Evidence& metric : service.analysis) {
    for (const Evidence::Measurement& m : metric.measurements) {
      if (!said.insert(fmt::format("{}/{}/{}", metric.analysis_run, metric.metric, m.at)).second) continue;
      timeline.happened(fmt::format("  analysis {} = {}  {}{}", metric.metric, m.value.empty() ? "-" : rounded(m.value),
                                    m.phase, m.message.empty() ? "" : fmt::format(": {}", m.message)),
                        m.phase == "Successful"                     ? Tone::kGood
                        : m.phase == "Failed" || m.phase == "Error" ? Tone::kBad
                                                                    : Tone::kWarn);
    }
  }
}

/// Whatever is new about the rollout.
void tell(const ServiceStatus& service, std::set<std::string>& said, Timeline& timeline) {
  say_measurements(service, said, timeline);
  for (const std::string& problem : service.problems) {
    if (said.insert(problem).second) timeline.happened("  " + problem, Tone::kBad);
  }
  timeline.stands(progress_line(service));
}

std::optional<RolloutOutcome> decided(const ServiceStatus& service) {
  if (service.aborted) return RolloutOutcome::kAborted;
  // Nothing shifts back by itself: a deadline passed, or the spec is invalid.
  if (service.phase == "Degraded") return RolloutOutcome::kDegraded;
  if (service.promoted) return RolloutOutcome::kPromoted;
  if (service.inconclusive) return RolloutOutcome::kPaused;
  return std::nullopt;
}

}  // namespace

Result<Followed> follow_rollout(const Project& project, Cluster& cluster, const FollowOptions& options) {
  Timeline timeline(options.quiet);
  Successor successor(project, options.service, options.digest, options.commit);
  std::set<std::string> said;
  Followed out;
  out.commit = options.commit;
  out.status.name = options.service;
  const auto ended = [&](RolloutOutcome outcome) {
    out.outcome = outcome;
    out.newest = successor.head();
    return out;
  };
  const auto deadline = SteadyClock::now() + options.timeout;
  for (; SteadyClock::now() < deadline; std::this_thread::sleep_for(kLookInterval)) {
    auto services = cluster.services();
    if (!services && !interrupted()) return std::unexpected(services.error());
    if (!services) return ended(RolloutOutcome::kLeft);
    if (auto looked = successor.look(); !looked) return std::unexpected(looked.error());
    const auto found = std::ranges::find(*services, options.service, &ServiceStatus::name);
    const bool ours = found != services->end() && runs_digest(*found, options.digest) &&
                      (found->revision == options.commit || found->revision == successor.head());
    if (found != services->end()) out.status = *found;
    if (ours) {
      const auto outcome = decided(*found);
      // What was decided before anybody looked is told by its end alone.
      if (!outcome || !timeline.empty()) tell(*found, said, timeline);
      if (outcome) return ended(*outcome);
    }
    if (interrupted()) return ended(RolloutOutcome::kLeft);
    if (successor.replaced()) return ended(RolloutOutcome::kReplaced);
    if (!ours) timeline.stands("waiting for the sync");
  }
  return ended(RolloutOutcome::kTimedOut);
}

}  // namespace fairlead::cli
