#include "engine/control/rollout_warnings.h"

#include "base/error.h"
#include "engine/control/rollout_look.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kPath = "spec.strategy.canary";

void warn_of_delays(const Value& canary, std::vector<std::string>& out) {
  if (!canary.at("trafficRouting").is_object()) return;
  if (abort_gets_stuck(canary))
    out.push_back(
        fmt::format("{}.abortScaleDownDelaySeconds: with dynamicStableScale an aborted update beyond its first "
                    "setWeight keeps its pods and its traffic for ever (argo-rollouts#4898); leave it out",
                    kPath));
  if (canary.at("abortScaleDownDelaySeconds").int_or(0) > kResyncPeriod / std::chrono::seconds(1))
    out.push_back(
        fmt::format("{}.abortScaleDownDelaySeconds: more than {} s is no delay, because the controller looks at every "
                    "Rollout that often: an aborted canary goes at once",
                    kPath, kResyncPeriod / std::chrono::seconds(1)));
  if (canary.at("scaleDownDelaySeconds").int_or(1) == 0)
    out.push_back(fmt::format(
        "{}.scaleDownDelaySeconds: 0 is no deadline, so the pods of the version before stay until the next; 1 is "
        "the shortest delay",
        kPath));
}

/// A step is over by its first kind in the order pause, setCanaryScale, setWeight, analysis.
void warn_of_steps(const Value& canary, std::vector<std::string>& out) {
  std::size_t index = 0;
  for (const Value& step : canary.at("steps").items()) {
    const std::string path = fmt::format("{}.steps[{}]", kPath, index++);
    if (!step.has("setCanaryScale")) continue;
    if (step.has("analysis"))
      out.push_back(
          fmt::format("{}: nothing waits for its analysis, because setCanaryScale beside it ends the step", path));
    if (step.has("setWeight"))
      out.push_back(
          fmt::format("{}: nothing verifies its setWeight, because setCanaryScale beside it ends the step", path));
  }
}

}  // namespace

bool abort_gets_stuck(const Value& strategy) {
  return strategy.at("dynamicStableScale").bool_or(false) && strategy.at("abortScaleDownDelaySeconds").int_or(0) > 0;
}

std::vector<std::string> rollout_warnings(const Value& rollout) {
  std::vector<std::string> out;
  const Value& canary = rollout.at("spec", "strategy", "canary");
  warn_of_delays(canary, out);
  warn_of_steps(canary, out);
  return out;
}

}  // namespace fairlead::control
