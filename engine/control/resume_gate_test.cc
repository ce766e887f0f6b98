#include "engine/control/resume_gate.h"

#include <gtest/gtest.h>

namespace fairlead::control {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Time kStart{minutes(1000)};

TEST(ResumeGate, ReadsTheLongestRangeOfAQuery) {
  EXPECT_EQ(longest_range("up"), Duration(0));
  EXPECT_EQ(longest_range("rate(a[30s]) / rate(b[1m30s])"), seconds(90));
  EXPECT_EQ(longest_range("max_over_time(rate(a[5m])[1h:1m])"), minutes(60));
  EXPECT_EQ(longest_range("a{b=\"[x]\"}[2m"), Duration(0));
  EXPECT_EQ(longest_range("a[99999999999999y]"), Duration(0));
}

TEST(ResumeGate, TimeWithoutAnEngineIsLost) {
  const ResumeGate gate({{kStart, kStart + minutes(5)}, {kStart + minutes(10), kStart + minutes(11)}});
  EXPECT_EQ(gate.lost_since(kStart - minutes(1)), minutes(6));
  EXPECT_EQ(gate.lost_since(kStart + minutes(3)), minutes(3));
  EXPECT_EQ(gate.lost_since(kStart + minutes(11)), Duration(0));
}

TEST(ResumeGate, HoldsUntilPodsAreReadyAndTheWindowHasPassed) {
  ResumeGate gate({{kStart, kStart + minutes(5)}});
  Time now = kStart + minutes(5);
  EXPECT_EQ(gate.held_until("a", now), now + kHoldPoll);
  gate.at_update("a", "v2");
  gate.report("a", false, minutes(2), now);
  EXPECT_EQ(gate.held_until("a", now), now + kHoldPoll);
  now += seconds(10);
  gate.report("a", true, minutes(2), now);
  EXPECT_EQ(gate.held_until("a", now), now + minutes(2));
  gate.report("a", true, minutes(2), now + minutes(1));
  EXPECT_EQ(gate.held_until("a", now + minutes(2)), std::nullopt);
}

TEST(ResumeGate, PodsThatWereReadyInALifeBeforeAreWaitedForAnew) {
  ResumeGate gate({{kStart, kStart + minutes(5)}});
  Time now = kStart + minutes(5);
  gate.at_update("a", "v2");
  gate.report("a", true, minutes(2), now);
  gate.report("a", false, minutes(2), now + seconds(1));
  now += seconds(25);
  EXPECT_EQ(gate.held_until("a", now), now + kHoldPoll);
  gate.report("a", true, minutes(2), now);
  EXPECT_EQ(gate.held_until("a", now), now + minutes(2));
  // Once it went on, a pod that fails holds nothing: it is judged.
  now += minutes(2);
  gate.report("a", false, minutes(2), now);
  EXPECT_EQ(gate.held_until("a", now), std::nullopt);
}

TEST(ResumeGate, AQueryWaitsForItsOwnWindow) {
  ResumeGate gate({{kStart, kStart + minutes(5)}});
  const Time now = kStart + minutes(5);
  gate.at_update("a", "v2");
  gate.report("a", true, kShortestWindow, now);
  EXPECT_EQ(gate.held_until("a", now), now + kShortestWindow);
  EXPECT_EQ(gate.held_until("a", now, minutes(10)), now + minutes(10));
}

TEST(ResumeGate, DoesNotHoldForEverNorWhatIsNew) {
  ResumeGate gate({{kStart, kStart + minutes(5)}});
  EXPECT_EQ(gate.held_until("a", kStart + minutes(5) + kLongestHold), std::nullopt);
  const Time now = kStart + minutes(5);
  gate.at_update("b", "v1");
  gate.report("b", true, minutes(2), now);
  EXPECT_EQ(gate.held_until("b", now), now + minutes(2));
  gate.at_update("b", "");
  gate.report("b", false, minutes(2), now);
  EXPECT_EQ(gate.held_until("b", now), std::nullopt);
  gate.at_update("b", "v2");
  gate.report("b", false, minutes(2), now);
  EXPECT_EQ(gate.held_until("b", now), std::nullopt);
  gate.at_update("c", "");
  gate.report("c", false, minutes(2), now);
  EXPECT_EQ(gate.held_until("c", now), std::nullopt);
  EXPECT_EQ(ResumeGate().held_until("a", kStart), std::nullopt);
}

}  // namespace
}  // namespace fairlead::control
