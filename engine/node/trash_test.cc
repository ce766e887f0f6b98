#include "engine/node/trash.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's, not C's
#include <sys/stat.h>

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

TEST(Trash, RemovesTreesItselfWhereItsDirectoryIsGone) {
  const TemporaryFolder folder("trash");
  const std::string bin = folder.path() + "/trash";
  Trash trash(bin);
  ASSERT_TRUE(becomes_empty(bin));
  remove_tree(bin);
  const std::string tree = folder.path() + "/tree";
  ASSERT_TRUE(make_directories(tree + "/a/b"));
  trash.take(tree);
  EXPECT_FALSE(std::filesystem::exists(tree));
}

TEST(Trash, RemovesTreesOfAnotherFileSystemHereAndNow) {
  const TemporaryFolder folder("trash");
  std::string other = "/dev/shm/fairlead-trash-XXXXXX";
  struct stat here{};
  struct stat there{};
  if (::mkdtemp(other.data()) == nullptr) GTEST_SKIP() << "/dev/shm takes no directory";
  ASSERT_TRUE(::stat(folder.path().c_str(), &here) == 0 && ::stat(other.c_str(), &there) == 0);
  ASSERT_TRUE(make_directories(other + "/a/b"));
  Trash trash(folder.path() + "/trash");
  trash.take(other);
  EXPECT_FALSE(std::filesystem::exists(other));
  if (here.st_dev == there.st_dev) GTEST_SKIP() << "both are on one file system";
}

}  // namespace
}  // namespace fairlead::node
