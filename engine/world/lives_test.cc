#include "engine/world/lives.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/testing_folder.h"

namespace fairlead::world {
namespace {

Time at(int seconds) { return Time(std::chrono::seconds(seconds)); }

class LivesTest : public ::testing::Test {
 protected:
  const TemporaryFolder temporary_{"lives"};
  const std::string path_ = temporary_.path() + "/lives";
};

TEST_F(LivesTest, a_gap_lies_between_the_last_mark_and_the_next_start) {
  {
    Lives first(path_, at(10));
    EXPECT_TRUE(first.outages().empty());
    ASSERT_TRUE(first.mark(at(30)));
    ASSERT_TRUE(first.mark(at(50)));
  }
  Lives second(path_, at(90));
  ASSERT_EQ(second.outages().size(), 1U);
  EXPECT_EQ(second.outages().front().from, at(50));
  EXPECT_EQ(second.outages().front().until, at(90));
}

TEST_F(LivesTest, remembers_a_bounded_number_and_survives_damage) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Lives(path_, at(10 * i)).mark(at(10 * i + 5)));
  EXPECT_EQ(Lives(path_, at(2000)).outages().size(), kMaxLives - 1);
  std::ofstream(path_) << "1000 2000\nrubbish";
  EXPECT_EQ(Lives(path_, at(9)).outages().size(), 1U);
}

}  // namespace
}  // namespace fairlead::world
