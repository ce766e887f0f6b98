#include "base/trim.h"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(Trimmed, TakesTheBlanksAtBothEndsAlone) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \t"), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\na "), "\na") << "a line's end is no blank of a line";
  EXPECT_EQ(trimmed("\r\na\n", kBlanksAndLineEnds), "a");
}

}  // namespace
}  // namespace fairlead
