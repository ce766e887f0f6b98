#include "engine/node/usage_window.h"

#include <gtest/gtest.h>

namespace fairlead::node {
namespace {

using std::chrono::milliseconds;

constexpr pid_t kPid = 7;
constexpr std::int64_t kMillisecond = 1'000'000;  // In nanoseconds.

UsageWindow::Moment at(int ms) { return UsageWindow::Moment(milliseconds(ms)); }

TEST(UsageWindow, AYoungContainerIsMeasuredOverTheLastSecond) {
  UsageWindow window;
  window.add(at(0), {});
  window.add(at(500), {{kPid, {400 * kMillisecond, 10}}});
  EXPECT_FALSE(window.of(kPid));
  window.add(at(1000), {{kPid, {410 * kMillisecond, 20}}});
  EXPECT_FALSE(window.of(kPid));
  window.add(at(1500), {{kPid, {420 * kMillisecond, 30}}});
  const auto use = window.of(kPid);
  ASSERT_TRUE(use);
  EXPECT_EQ(use->cpu_nano_cores, 20 * kMillisecond);
  EXPECT_EQ(use->memory_bytes, 30);
  EXPECT_EQ(use->window, milliseconds(1000));
  window.add(at(2000), {{kPid, {1420 * kMillisecond, 30}}});
  EXPECT_EQ(window.of(kPid)->window, milliseconds(1000));  // The cost of the start does not come back.
}

TEST(UsageWindow, AnOlderOneIsMeasuredOverTheWholeWindow) {
  UsageWindow window;
  for (int t = 0; t <= 20; ++t) window.add(at(t * 500), {{kPid, {std::int64_t{t} * t * kMillisecond, 1}}});
  const auto use = window.of(kPid);
  ASSERT_TRUE(use);
  EXPECT_EQ(use->window, UsageWindow::kFull);
  EXPECT_EQ(use->cpu_nano_cores, (20 * 20 - 10 * 10) * kMillisecond / 5);
}

TEST(UsageWindow, WhatIsGoneHasNoUse) {
  UsageWindow window;
  window.add(at(0), {{kPid, {0, 1}}});
  window.add(at(1000), {{kPid, {0, 1}}});
  window.add(at(1500), {});
  EXPECT_FALSE(window.of(kPid));
}

}  // namespace
}  // namespace fairlead::node
