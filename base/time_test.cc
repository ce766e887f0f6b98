#include "base/time.h"

#include <gtest/gtest.h>

#include "base/testdata.h"

namespace fairlead {
namespace {

using namespace std::chrono_literals;

std::string first_line(const TestCase& test) { return test.input.substr(0, test.input.find('\n')); }

TEST(Time, Durations) {
  for (const TestCase& test : read_test_cases(FAIRLEAD_SOURCE_DIR "/base/testdata/duration.txt")) {
    const auto duration = parse_duration(first_line(test));
    ASSERT_EQ(duration.has_value(), !test.is_error) << test.where;
    const std::string outcome =
        duration ? fmt::format("{} {} {}", duration->count(), format_duration(*duration), human_duration(*duration))
                 : duration.error().message;
    EXPECT_EQ(outcome, test.expected) << test.where;
  }
}

TEST(Time, Points) {
  for (const TestCase& test : read_test_cases(FAIRLEAD_SOURCE_DIR "/base/testdata/time.txt")) {
    const auto time = parse_time(first_line(test));
    ASSERT_EQ(time.has_value(), !test.is_error) << test.where;
    const std::string outcome =
        time ? fmt::format("{} {}", format_time(*time), format_micro_time(*time)) : time.error().message;
    EXPECT_EQ(outcome, test.expected) << test.where;
  }
}

TEST(Time, EveryDayReadsBack) {
  for (Time t{Duration(0)}; t < Time(48h * 365 * 60); t += 25h + 61s + 7ms) {
    EXPECT_EQ(parse_time(format_micro_time(t)).value(), t);
  }
}

}  // namespace
}  // namespace fairlead
