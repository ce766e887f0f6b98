#include "engine/cli/unknown_command.h"

#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

const std::vector<std::string> kCommands = {"up", "down", "status", "ship", "doctor"};

TEST(UnknownCommand, names_the_nearest) {
  EXPECT_EQ(unknown_command("fairlead", "stauts", kCommands),
            "there is no command fairlead stauts: the nearest is `fairlead status`, and `fairlead --help` lists all");
  EXPECT_NE(unknown_command("fairlead", "shp", kCommands).find("`fairlead ship`"), std::string::npos);
}

TEST(UnknownCommand, names_all_where_none_is_near) {
  EXPECT_EQ(unknown_command("fairlead", "frobnicate", kCommands),
            "there is no command fairlead frobnicate, only up, down, status, ship, doctor: see `fairlead --help`");
}

}  // namespace
}  // namespace fairlead::cli
