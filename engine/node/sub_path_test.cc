#include "engine/node/sub_path.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/testing_folder.h"
#include "engine/node/files.h"

namespace fairlead::node {
namespace {

class SubPathTest : public ::testing::Test {
 protected:
  SubPathTest() {
    for (const char* place : {"/volume/data", "/outside"}) EXPECT_TRUE(make_directories(folder_ + place));
    EXPECT_TRUE(write_file(volume_ + "/data/file", "inside"));
    ::chmod(volume_.c_str(), 02777);
  }
  void TearDown() override {
    EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/outside")) << "nothing is made outside the volume";
  }
  void link(const std::string& to, const std::string& name) const {
    std::filesystem::create_symlink(to, volume_ + "/" + name);
  }
  [[nodiscard]] std::string refusal(const std::string& path, bool make = true) const {
    const auto found = open_sub_path(volume_, path, make);
    return found ? "opened" : found.error().message;
  }
  static std::string place(const Result<Descriptor>& found) {
    if (!found) return found.error().message;
    return std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", found->get()));
  }

  const TemporaryFolder temporary_{"subpath"};
  const std::string folder_ = temporary_.path();
  const std::string volume_ = folder_ + "/volume";
};

TEST_F(SubPathTest, FindsWhatIsThereAndFollowsLinksInsideTheVolume) {
  link("data", "..data");
  link("..data/file", "file");
  EXPECT_EQ(place(open_sub_path(volume_, "file", false)), volume_ + "/data/file");
  EXPECT_EQ(place(open_sub_path(volume_, "data", false)), volume_ + "/data");
}

TEST_F(SubPathTest, MakesDirectoriesWithTheVolumesMode) {
  link("data", "alias");
  EXPECT_EQ(place(open_sub_path(volume_, "alias/a//b/", true)), volume_ + "/data/a/b");
  for (const char* made : {"/data/a", "/data/a/b"}) {
    struct stat info{};
    ASSERT_EQ(::stat((volume_ + made).c_str(), &info), 0) << made;
    EXPECT_EQ(info.st_mode & 07777U, 02777U) << made;
  }
  EXPECT_EQ(refusal("none", false), "there is no none in it");
  EXPECT_FALSE(std::filesystem::exists(volume_ + "/none"));
}

TEST_F(SubPathTest, ALinkThatLeadsOutIsRefusedBeforeAnythingIsMade) {
  link(folder_ + "/outside", "absolute");
  link("../outside", "relative");
  link("../outside/new", "dangling");
  link("absolute", "twice");
  for (const char* path : {"absolute", "absolute/new", "relative/new", "dangling", "dangling/new", "twice/a/b"}) {
    EXPECT_EQ(refusal(path), fmt::format("the subPath {} leads out of the volume", path));
  }
  for (const char* path : {"../outside/new", "/outside", "data/../../outside/new"}) {
    EXPECT_EQ(refusal(path), fmt::format("the subPath {} leads out of the volume", path));
  }
  link("missing", "within");
  EXPECT_EQ(refusal("within/new"), "there is no within/new in it");
  EXPECT_NE(refusal("data/file/new").find("Not a directory"), std::string::npos);
}

}  // namespace
}  // namespace fairlead::node
