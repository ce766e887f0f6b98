#include "engine/node/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>
#include <vector>

#include "base/testing_folder.h"

namespace fairlead::node {
namespace {

class Files : public ::testing::Test {
 protected:
  const TemporaryFolder temporary_{"files"};
  const std::string folder_ = temporary_.path();
};

TEST_F(Files, ALinkInARootLeadsNowhereElse) {
  ASSERT_TRUE(make_directories(folder_ + "/root/etc"));
  ASSERT_TRUE(write_file(folder_ + "/secret", "the host's"));
  ASSERT_TRUE(write_file(folder_ + "/root/real", "the image's"));
  const std::string root = folder_ + "/root";
  ASSERT_EQ(::symlink((folder_ + "/secret").c_str(), (root + "/etc/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../../secret", (root + "/etc/climbing").c_str()), 0);
  ASSERT_EQ(::symlink("/real", (root + "/etc/passwd").c_str()), 0);
  EXPECT_FALSE(read_in_root(root, "/etc/absolute", 100));
  EXPECT_FALSE(read_in_root(root, "/etc/climbing", 100));
  EXPECT_EQ(read_in_root(root, "/etc/passwd", 100).value_or(""), "the image's");
}

TEST_F(Files, APipeInPlaceOfAFileIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo((folder_ + "/passwd").c_str(), 0644), 0);
  EXPECT_FALSE(read_in_root(folder_, "/passwd", 100));
}

TEST_F(Files, ReplacingAtOnceLeavesOneWholeFileAndNothingElse) {
  const std::string path = folder_ + "/blob";
  constexpr int kThreads = 8;
  std::vector<int> failed(kThreads, 0);
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < kThreads; ++i) {
      writers.emplace_back([&, i] {
        for (int round = 0; round < 20; ++round)
          failed[static_cast<std::size_t>(i)] += replace_file(path, std::string(10'000, 'a')) ? 0 : 1;
      });
    }
  }
  for (const int count : failed) EXPECT_EQ(count, 0);
  EXPECT_EQ(read_file(path).value_or(""), std::string(10'000, 'a'));
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++files;
  EXPECT_EQ(files, 1);
}

}  // namespace
}  // namespace fairlead::node
