#include "base/quantity.h"

#include <gtest/gtest.h>

#include "base/testdata.h"

namespace fairlead {
namespace {

std::string to_text(decltype(Quantity::milli) number) {
  if (number < 0) return "-" + to_text(-number);
  std::string out;
  do {
    out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
    number /= 10;
  } while (number > 0);
  return out;
}

TEST(Quantity, Parses) {
  for (const TestCase& test : read_test_cases(FAIRLEAD_SOURCE_DIR "/base/testdata/quantity.txt")) {
    const auto quantity = Quantity::parse(std::string_view(test.input).substr(0, test.input.size() - 1));
    ASSERT_EQ(quantity.has_value(), !test.is_error) << test.where;
    const std::string outcome =
        quantity ? fmt::format("{} {}", to_text(quantity->milli), quantity->value()) : quantity.error().message;
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
  EXPECT_EQ(format_cpu(250), "250m");
  EXPECT_EQ(format_cpu(2000), "2");
  EXPECT_EQ(format_bytes(64 << 20), "64Mi");
  EXPECT_EQ(format_bytes(1500 << 10), "1500Ki");
  EXPECT_EQ(format_bytes(1000), "1000");
  EXPECT_EQ(format_bytes(0), "0");
}

}  // namespace
}  // namespace fairlead
