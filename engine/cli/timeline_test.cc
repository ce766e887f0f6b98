#include "engine/cli/timeline.h"

#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

/// What a story tells.
struct Told {
  std::vector<std::string> lines;
  RolloutStory story{[this](const std::string& text, Tone) { lines.push_back(text); }};
};

ServiceStatus looked(std::string phase, std::string role, const std::vector<std::string>& measured) {
  ServiceStatus out;
  out.phase = std::move(phase);
  VersionStatus version;
  version.role = std::move(role);
  version.label = "v2";
  version.ready = version.pods = 1;
  out.versions.push_back(version);
  Evidence evidence;
  evidence.analysis_run = "web-1";
  evidence.metric = "error-rate";
  for (const std::string& value : measured) evidence.measurements.push_back({"at " + value, "Successful", value, ""});
  out.analysis.push_back(evidence);
  return out;
}

TEST(RolloutStory, tells_each_measurement_once_and_the_one_that_decides_before_the_end) {
  Told told;
  told.story.tells(looked("Progressing", "canary", {"[0.001]"}));
  told.story.tells(looked("Progressing", "canary", {"[0.001]"}));
  told.story.tells(looked("Healthy", "stable", {"[0.001]", "[0.0020000001]"}));
  EXPECT_EQ(told.lines,
            (std::vector<std::string>{"  analysis error-rate = [0.001]  Successful", "Progressing  canary v2 1/1 pods",
                                      "  analysis error-rate = [0.002]  Successful", "Healthy  stable v2 1/1 pods"}));
}

TEST(RolloutStory, leaves_out_what_was_measured_when_the_pods_were_a_canary_long_ago) {
  Told told;
  told.story.waits({});
  told.story.tells(looked("Healthy", "stable", {"[0.001]"}));
  EXPECT_EQ(told.lines, (std::vector<std::string>{"waiting for the sync", "Healthy  stable v2 1/1 pods"}));
}

TEST(RolloutStory, says_what_keeps_a_commit_from_being_synced) {
  Told told;
  ServiceStatus broken;
  broken.conditions = {"ComparisonError: web.yaml:3:1: no"};
  broken.problems = {"ComparisonError: web.yaml:3:1: no", "stable v1: of another version"};
  told.story.waits({});
  told.story.waits(broken);
  told.story.waits(broken);
  EXPECT_EQ(told.lines, (std::vector<std::string>{"waiting for the sync", "  ComparisonError: web.yaml:3:1: no"}));
}

}  // namespace
}  // namespace fairlead::cli
