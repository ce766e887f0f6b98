#include "engine/cli/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace fairlead::cli {
namespace {

TEST(Interrupt, is_remembered_once_and_ends_the_process_the_second_time) {
  const auto interrupt_once = [] {
    catch_interrupts();
    const bool before = interrupted();
    ::raise(SIGINT);
    return !before && interrupted();
  };
  EXPECT_EXIT(std::_Exit(interrupt_once() ? 0 : 1), testing::ExitedWithCode(0), "");
  EXPECT_EXIT((static_cast<void>(interrupt_once()), ::raise(SIGINT)), testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace fairlead::cli
