#include "engine/cli/timeline.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace fairlead::cli {
namespace {

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

/// "[0.00928]" for "[0.009280000000000002]": what a person reads while it goes by; `status` has every digit.
std::string rounded(std::string_view value) {
  if (!value.starts_with('[') || !value.ends_with(']')) return std::string(value);
  const std::string_view inner = value.substr(1, value.size() - 2);
  double number = 0;
  const auto [end, error] = std::from_chars(inner.data(), inner.data() + inner.size(), number);
  if (error != std::errc() || end != inner.data() + inner.size()) return std::string(value);
  return fmt::format("[{:.3g}]", number);
}

Tone tone_of(const Evidence::Measurement& m) {
  if (m.phase == "Successful") return Tone::kGood;
  return m.phase == "Failed" || m.phase == "Error" ? Tone::kBad : Tone::kWarn;
}

}  // namespace

/// What the canary's AnalysisRuns measured, in order. The last of it is there only when it is a canary no more; runs of
/// pods that were never a canary here are from an earlier time.
void RolloutStory::measured(const ServiceStatus& service) {
  canary_seen_ |= std::ranges::find(service.versions, "canary", &VersionStatus::role) != service.versions.end();
  if (!canary_seen_) return;
  for (const Evidence& metric : service.analysis) {
    for (const Evidence::Measurement& m : metric.measurements) {
      if (!said_.insert(fmt::format("{}/{}/{}", metric.analysis_run, metric.metric, m.at)).second) continue;
      line_(fmt::format("  analysis {} = {}  {}{}", metric.metric, m.value.empty() ? "-" : rounded(m.value), m.phase,
                        m.message.empty() ? "" : fmt::format(": {}", m.message)),
            tone_of(m));
    }
  }
}

void RolloutStory::troubled_by(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) {
    if (said_.insert(problem).second) line_("  " + problem, Tone::kBad);
  }
}

void RolloutStory::stands(const std::string& text) {
  if (text == last_) return;
  last_ = text;
  line_(text, Tone::kPlain);
}

void RolloutStory::waits(const ServiceStatus& service) {
  stands("waiting for the sync");
  troubled_by(service.conditions);
}

void RolloutStory::tells(const ServiceStatus& service) {
  measured(service);
  troubled_by(service.problems);
  stands(progress_line(service));
}

}  // namespace fairlead::cli
