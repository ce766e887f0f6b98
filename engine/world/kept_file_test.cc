#include "engine/world/kept_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/testing_folder.h"

namespace fairlead::world {
namespace {

namespace fs = std::filesystem;

class KeptFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(state_);
    std::ofstream(state_ / "db") << "one";
  }
  const TemporaryFolder temporary_{"kept"};
  const fs::path state_ = fs::path(temporary_.path()) / "state";
};

TEST_F(KeptFileTest, stays_while_it_is_written) {
  const KeptFile kept(state_ / "db");
  std::ofstream(state_ / "db") << "two";
  EXPECT_FALSE(kept.gone());
}

TEST_F(KeptFileTest, is_gone_with_its_folder) {
  const KeptFile kept(state_ / "db");
  fs::remove_all(state_);
  EXPECT_TRUE(kept.gone());
}

TEST_F(KeptFileTest, is_gone_when_another_takes_its_place) {
  const KeptFile kept(state_ / "db");
  std::ofstream(state_ / "next") << "another";
  fs::rename(state_ / "next", state_ / "db");
  EXPECT_TRUE(kept.gone());
}

}  // namespace
}  // namespace fairlead::world
