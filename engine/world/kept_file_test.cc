#include "engine/world/kept_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fairlead::world {
namespace {

namespace fs = std::filesystem;

class KeptFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "fairlead-kept-XXXXXX";
    state_ = fs::path(::mkdtemp(pattern.data())) / "state";
    fs::create_directory(state_);
    std::ofstream(state_ / "db") << "one";
  }
  void TearDown() override { fs::remove_all(state_.parent_path()); }
  fs::path state_;
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
