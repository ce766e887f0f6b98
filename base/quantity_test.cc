#include "base/quantity.h"

#include <gtest/gtest.h>

#include "base/testdata.h"

namespace fairlead {
namespace {

TEST(Quantity, Parses) {
  for (const TestCase& test : read_test_cases(FAIRLEAD_SOURCE_DIR "/base/testdata/quantity.txt")) {
    const auto quantity = Quantity::parse(std::string_view(test.input).substr(0, test.input.size() - 1));
    ASSERT_EQ(quantity.has_value(), !test.is_error) << test.where;
    const std::string outcome =
        quantity ? fmt::format("{} {} {}", quantity->text(), quantity->milli_value(), quantity->value())
                 : quantity.error().message;
    EXPECT_EQ(outcome, test.expected) << test.where;
  }
}

TEST(Quantity, ComesFromNumbersToo) {
  EXPECT_EQ(Quantity::of(2).milli_value(), 2000);
  EXPECT_EQ(Quantity::of(0.25).milli_value(), 250);
  EXPECT_EQ(Quantity::of("250m").milli_value(), 250);
  EXPECT_EQ(Quantity::of(Value()).milli_value(), 0);
  EXPECT_EQ(Quantity::of("nonsense").milli_value(), 0);
  EXPECT_LT(Quantity::of("999m"), Quantity::of(1));
  EXPECT_EQ(Quantity::of("500m") + Quantity::of("0.5"), Quantity::of(1));
}

TEST(Quantity, IsWrittenAsPeopleWriteIt) {
  EXPECT_EQ(Quantity::of_milli(250).text(), "250m");
  EXPECT_EQ(Quantity::of_milli(2000).text(), "2");
  EXPECT_EQ(Quantity::of_bytes(64 << 20).text(), "64Mi");
  EXPECT_EQ(Quantity::of_bytes(1500 << 10).text(), "1500Ki");
  EXPECT_EQ(Quantity::of_bytes(1025).text(), "1025");
  EXPECT_EQ(Quantity::of_bytes(0).text(), "0");
}

}  // namespace
}  // namespace fairlead
