#include "engine/gitops/address_range.h"

#include <gtest/gtest.h>

namespace fairlead::gitops {
namespace {

TEST(AddressRange, reads_what_it_writes_and_refuses_the_rest) {
  EXPECT_EQ(AddressRange::parse("10.20.0.0/16")->to_string(), "10.20.0.0/16");
  EXPECT_EQ(AddressRange::parse("0.0.0.0/0")->size(), 1ULL << 32);
  for (const char* wrong : {"10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.1/24", "10.0.0.256/32", "10.0.0.0/8x",
                            "010.0.0.0/8", "", "/", "10.0.0.0/-1"}) {
    EXPECT_FALSE(AddressRange::parse(wrong)) << wrong;
  }
}

TEST(AddressRange, overlaps_where_one_holds_the_others_start) {
  const AddressRange wide = *AddressRange::parse("10.0.0.0/8");
  EXPECT_TRUE(wide.overlaps(*AddressRange::parse("10.255.255.0/24")));
  EXPECT_TRUE(AddressRange::parse("10.255.255.0/24")->overlaps(wide));
  EXPECT_FALSE(wide.overlaps(*AddressRange::parse("11.0.0.0/8")));
  EXPECT_TRUE(AddressRange::parse("255.255.255.0/24")->contains(*parse_address("255.255.255.255")));
}

}  // namespace
}  // namespace fairlead::gitops
