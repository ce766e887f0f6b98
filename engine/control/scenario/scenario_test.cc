// Plays every file below engine/control/testdata/scenarios, twice: it must hold, and give the same history.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "engine/control/scenario/scenario.h"

namespace fairlead::control {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(FAIRLEAD_SOURCE_DIR) / "engine/control/testdata/scenarios";

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    if (entry.path().extension() != ".yaml") continue;
    names.push_back(std::filesystem::relative(entry.path(), kFolder).replace_extension().string());
  }
  std::ranges::sort(names);
  return names;
}

const api::Schema& schema() {
  static const api::Schema the_schema;
  return the_schema;
}

Result<ScenarioOutcome> play(const std::string& name) {
  const std::string file = name + ".yaml";
  std::ifstream in(kFolder / file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return play_scenario(schema(), text, file, add_controllers);
}

/// What happened, without the objects, for a person who looks for the reason of a failure.
std::string told(const ScenarioOutcome& outcome) {
  constexpr std::size_t kLines = 60;
  const std::size_t first = outcome.history.size() > kLines ? outcome.history.size() - kLines : 0;
  std::string out;
  for (std::size_t i = first; i < outcome.history.size(); ++i) {
    out += "  " + outcome.history[i].substr(0, outcome.history[i].find(" {")) + "\n";
  }
  return out;
}

class Scenario : public testing::TestWithParam<std::string> {};

TEST_P(Scenario, Holds) {
  const auto outcome = play(GetParam());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
  for (const std::string& failure : outcome->failures) ADD_FAILURE() << failure;
  if (!outcome->failures.empty()) FAIL() << outcome->about << "\nHistory:\n" << told(*outcome);
  const auto again = play(GetParam());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(outcome->history, again->history) << "the same scenario took another course the second time";
}

INSTANTIATE_TEST_SUITE_P(All, Scenario, testing::ValuesIn(scenario_names()), [](const auto& test) {
  std::string name = test.param;
  std::ranges::replace_if(name, [](char c) { return c == '-' || c == '.' || c == '/'; }, '_');
  return name;
});

}  // namespace
}  // namespace fairlead::control
