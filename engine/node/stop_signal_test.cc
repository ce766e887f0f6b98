#include "engine/node/stop_signal.h"

#include <gtest/gtest.h>

#include <csignal>

namespace fairlead::node {
namespace {

TEST(StopSignal, HasANameOrANumber) {
  EXPECT_EQ(signal_number("SIGTERM"), SIGTERM);
  EXPECT_EQ(signal_number("TERM"), SIGTERM);
  EXPECT_EQ(signal_number("3"), SIGQUIT);
  EXPECT_EQ(signal_number("SIGWINCH"), SIGWINCH);
  EXPECT_EQ(signal_number("SIGUSR2"), SIGUSR2);
  EXPECT_EQ(signal_number("SIGRTMIN+3"), SIGRTMIN + 3) << "what systemd takes for a halt";
  EXPECT_EQ(signal_number("SIGRTMAX-1"), SIGRTMAX - 1);
}

TEST(StopSignal, OtherWordsAreNone) {
  for (const char* word : {"", "SIG", "SIGNOTHING", "0", "65", "-1", "15x", "SIGRTMIN+99", "SIGRTMAX-99"})
    EXPECT_EQ(signal_number(word), std::nullopt) << word;
}

}  // namespace
}  // namespace fairlead::node
