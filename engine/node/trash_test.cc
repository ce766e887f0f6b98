#include "engine/node/trash.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/testing_folder.h"
#include "engine/node/files.h"

namespace fairlead::node {
namespace {

bool becomes_empty(const std::string& folder) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < end) {
    std::error_code error;
    if (std::filesystem::is_empty(folder, error)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

TEST(Trash, TakesTreesAtOnceAndRemovesThemLater) {
  const TemporaryFolder folder("trash");
  const std::string bin = folder.path() + "/trash";
  ASSERT_TRUE(make_directories(bin + "/from-before/deep"));
  Trash trash(bin);
  const std::string tree = folder.path() + "/tree";
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(make_directories(tree + "/a/b"));
    trash.take(tree);
    EXPECT_FALSE(std::filesystem::exists(tree));
  }
  trash.take(folder.path() + "/never-there");
  EXPECT_TRUE(becomes_empty(bin)) << "with what an earlier life left";
}

}  // namespace
}  // namespace fairlead::node
