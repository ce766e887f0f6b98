#include "engine/control/canary_replicas.h"

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace fairlead::control {
namespace {

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> fields;
  std::stringstream in(line);
  for (std::string field; std::getline(in, field, separator);) fields.push_back(field);
  return fields;
}

/// One recorded row by column name.
struct Row {
  std::map<std::string, std::string> fields;

  [[nodiscard]] std::int32_t number(const std::string& name) const { return std::stoi(fields.at(name)); }
  [[nodiscard]] bool flag(const std::string& name) const { return fields.at(name) == "1"; }
  [[nodiscard]] Value count_or_percent(const std::string& name) const {
    const std::string& text = fields.at(name);
    if (text.empty()) return {};
    return text.ends_with('%') ? Value(text) : Value(std::stoi(text));
  }
};

std::vector<Row> recorded_rows() {
  std::ifstream in(FAIRLEAD_SOURCE_DIR "/engine/control/testdata/canary_replicas.csv");
  std::vector<Row> rows;
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    const auto fields = split(line, ',');
    if (names.empty()) {
      names = fields;
      continue;
    }
    Row& row = rows.emplace_back();
    for (std::size_t i = 0; i < names.size(); ++i) row.fields[names[i]] = fields.at(i);
  }
  return rows;
}

CanaryStep step_of(const std::string& text) {
  const Value number(text.size() > 1 ? std::stoi(text.substr(1)) : 0);
  const auto scale = [](std::string_view key, Value value) {
    return CanaryStep::of(Value::object({{"setCanaryScale", Value::object({{std::string(key), std::move(value)}})}}));
  };
  switch (text.front()) {
    case 'w':
      return CanaryStep::of(Value::object({{"setWeight", number}}));
    case 'r':
      return scale("replicas", number);
    case 's':
      return scale("weight", number);
    case 'm':
      return scale("matchTrafficWeight", Value(true));
    default:
      return CanaryStep::of(Value::object({{"pause", Value::object()}}));
  }
}

std::optional<ReplicaCounts> counts_of(const Row& row, const std::string& prefix) {
  return ReplicaCounts{row.number(prefix + "Spec"), row.number(prefix + "Available"), row.number(prefix + "Created")};
}

CanaryFacts facts_of(const Row& row) {
  CanaryFacts facts;
  facts.replicas = row.number("replicas");
  facts.max_weight = row.number("maxWeight");
  facts.fences =
      Fences::resolve(row.count_or_percent("maxSurge"), row.count_or_percent("maxUnavailable"), facts.replicas);
  facts.routed = row.flag("routed");
  facts.dynamic_stable_scale = row.flag("dynamicStableScale");
  if (row.number("minPods") >= 0) facts.min_pods = row.number("minPods");
  facts.abort_keeps_canary = row.flag("abortKeeps");
  if (const std::string& text = row.fields.at("threshold"); !text.empty())
    facts.threshold = ProgressThreshold{text.front() == 'p', std::stoi(text.substr(1))};
  for (const std::string& step : split(row.fields.at("steps"), ' ')) facts.steps.push_back(step_of(step));
  facts.aborted = row.flag("abort");
  facts.promote_full = row.flag("promoteFull");
  if (row.number("stepIndex") >= 0) facts.step_index = row.number("stepIndex");
  const std::string& stable = row.fields.at("stable");
  facts.has_stable = stable != "none";
  facts.fully_promoted = stable == "same";
  facts.stable_is_canary = stable == "same";
  if (row.number("newSpec") >= 0) facts.canary = counts_of(row, "new");
  if (stable == "other") facts.stable = counts_of(row, "stable");
  if (stable == "same") facts.stable = facts.canary;
  facts.other_desired = std::max(0, row.number("olderSpec"));
  facts.other_available = row.number("olderAvailable");
  return facts;
}

TEST(CanaryReplicas, AgreeWithUpstreamOnEveryRecordedRow) {
  const auto rows = recorded_rows();
  ASSERT_GT(rows.size(), 1000U);
  int line = 3;
  for (const Row& row : rows) {
    SCOPED_TRACE(++line);
    const CanaryFacts facts = facts_of(row);
    EXPECT_EQ(facts.fences.surge, row.number("wantSurge"));
    EXPECT_EQ(facts.fences.unavailable, row.number("wantUnavailable"));
    std::optional<TrafficShares> in_force;
    if (row.number("canaryWeight") >= 0)
      in_force = TrafficShares{row.number("canaryWeight"), row.number("stableWeight")};
    EXPECT_EQ(desired_canary_weight(facts), row.number("wantWeight"));
    const CanaryCounts counts = wanted_counts(facts, in_force);
    EXPECT_EQ(counts.canary, row.number("wantCanary"));
    EXPECT_EQ(counts.stable, row.number("wantStable"));
    if (row.fields.at("wantAtDesired") != "-") {
      EXPECT_EQ(counts_reached(facts, in_force), row.flag("wantAtDesired"));
    }
  }
}

TEST(CanaryReplicas, RetreatWaitsForStablePods) {
  CanaryFacts facts;
  facts.replicas = 10;
  facts.routed = true;
  facts.dynamic_stable_scale = true;
  facts.aborted = true;
  facts.has_stable = true;
  facts.steps = {step_of("w20"), step_of("w60")};
  facts.canary = ReplicaCounts{8, 8, 8};
  facts.stable = ReplicaCounts{2, 2, 2};
  // Eight pods are more than the six of weight 60, but stable carries only 20 of the 40 that it would get.
  EXPECT_EQ(weight_in_retreat(facts, TrafficShares{80, 20}), 80);
  facts.stable = ReplicaCounts{4, 4, 4};
  EXPECT_EQ(weight_in_retreat(facts, TrafficShares{80, 20}), 60);
  facts.stable = ReplicaCounts{10, 10, 10};
  facts.canary = ReplicaCounts{2, 2, 2};
  EXPECT_EQ(weight_in_retreat(facts, TrafficShares{20, 80}), 0);
  facts.stable = ReplicaCounts{10, 9, 10};
  EXPECT_EQ(weight_in_retreat(facts, TrafficShares{0, 100}), 0);
}

}  // namespace
}  // namespace fairlead::control
