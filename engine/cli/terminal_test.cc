#include "engine/cli/terminal.h"

#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

TEST(Table, lines_up_and_leaves_out_empty_columns) {
  Table table({"NAME", "NOTE", "AGE"});
  table.add({"storefront", "", "5s"});
  table.add({"ün", "", "12m"});
  EXPECT_EQ(table.to_string(),
            "NAME         AGE\n"
            "storefront   5s\n"
            "ün           12m\n");
}

TEST(Table, shows_its_header_when_there_is_nothing_in_it) { EXPECT_EQ(Table({"A", "B"}).to_string(), "A   B\n"); }

TEST(Terminal, width_counts_what_is_seen) { EXPECT_EQ(display_width("\033[32m✓ ok\033[0m"), 4U); }

}  // namespace
}  // namespace fairlead::cli
