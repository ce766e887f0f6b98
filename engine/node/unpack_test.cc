#include "engine/node/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "base/hash.h"
#include "base/testing_folder.h"
#include "engine/node/files.h"

namespace fairlead::node {
namespace {

struct Entry {
  std::string path;
  char kind = 'f';        ///< f file, d directory, l symbolic link, h hard link, c device.
  std::string content{};  ///< Or where a link leads.
  unsigned mode = 0644;
};

std::string tar(const std::vector<Entry>& entries) {
  std::vector<char> buffer(1 << 20);
  std::size_t used = 0;
  const std::unique_ptr<archive, int (*)(archive*)> writer(::archive_write_new(), ::archive_write_free);
  ::archive_write_set_format_pax_restricted(writer.get());
  ::archive_write_open_memory(writer.get(), buffer.data(), buffer.size(), &used);
  for (const Entry& one : entries) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(::archive_entry_new(), ::archive_entry_free);
    ::archive_entry_set_pathname(entry.get(), one.path.c_str());
    ::archive_entry_set_perm(entry.get(), one.mode);
    ::archive_entry_set_filetype(entry.get(), one.kind == 'd'   ? AE_IFDIR
                                              : one.kind == 'l' ? AE_IFLNK
                                              : one.kind == 'c' ? AE_IFCHR
                                                                : AE_IFREG);
    if (one.kind == 'l') ::archive_entry_set_symlink(entry.get(), one.content.c_str());
    if (one.kind == 'h') ::archive_entry_set_hardlink(entry.get(), one.content.c_str());
    const std::size_t size = one.kind == 'f' ? one.content.size() : 0;
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    ::archive_write_header(writer.get(), entry.get());
    if (size > 0) ::archive_write_data(writer.get(), one.content.data(), size);
  }
  ::archive_write_close(writer.get());
  return {buffer.data(), used};
}

class UnpackTest : public ::testing::Test {
 protected:
  UnpackTest() { EXPECT_TRUE(write_file(folder_ + "/outside", "untouched")); }
  void TearDown() override { EXPECT_EQ(read_file(folder_ + "/outside").value_or("gone"), "untouched"); }

  Result<std::string> unpack(const std::vector<std::vector<Entry>>& layers) {
    Image image;
    std::string all;
    for (const auto& layer : layers) {
      const std::string bytes = tar(layer);
      all += bytes;
      image.layers.push_back({store_->put_blob(bytes).value(), "application/vnd.oci.image.layer.v1.tar"});
    }
    image.digest = "sha256:" + sha256_hex(all);
    return unpack_image(*store_, image, folder_ + "/rootfs");
  }

  static std::string read(const std::string& path) { return read_file(path).value_or("none"); }

  const TemporaryFolder temporary_{"unpack"};
  const std::string folder_ = temporary_.path();
  std::unique_ptr<ImageStore> store_ = std::make_unique<ImageStore>(folder_ + "/images");
};

TEST_F(UnpackTest, LaterLayersReplaceAndRemove) {
  const auto root = unpack({{{"etc", 'd', "", 0755},
                             {"etc/keep", 'f', "one"},
                             {"etc/change", 'f', "one"},
                             {"etc/remove", 'f', "one"},
                             {"var/cache/old", 'f', "one"},
                             {"bin/tool", 'f', "#!", 0755},
                             {"bin/alias", 'h', "bin/tool"},
                             {"lib", 'l', "usr/lib"}},
                            {{"etc/change", 'f', "two"},
                             {"etc/.wh.remove", 'f', ""},
                             {"var/cache/.wh..wh..opq", 'f', ""},
                             {"var/cache/new", 'f', "two"}}});
  ASSERT_TRUE(root) << root.error().to_string();
  EXPECT_EQ(read(*root + "/etc/keep"), "one");
  EXPECT_EQ(read(*root + "/etc/change"), "two");
  EXPECT_EQ(read(*root + "/etc/remove"), "none");
  EXPECT_EQ(read(*root + "/var/cache/old"), "none");
  EXPECT_EQ(read(*root + "/var/cache/new"), "two");
  struct stat tool{};
  struct stat alias{};
  ASSERT_EQ(::stat((*root + "/bin/tool").c_str(), &tool), 0);
  ASSERT_EQ(::stat((*root + "/bin/alias").c_str(), &alias), 0);
  EXPECT_EQ(tool.st_mode & 07777U, 0755U);
  EXPECT_EQ(tool.st_ino, alias.st_ino);
  EXPECT_EQ(std::filesystem::read_symlink(*root + "/lib"), "usr/lib");
}

TEST_F(UnpackTest, NothingLeavesTheDirectory) {
  const std::string outside = folder_ + "/outside";
  const auto root = unpack({{{"../../outside", 'f', "climbed"},
                             {outside.substr(1), 'f', "under the root"},
                             {"up", 'l', "../.."},
                             {"up/outside", 'f', "through a relative link"},
                             {"abs", 'l', folder_},
                             {"abs/outside", 'f', "through an absolute link"},
                             {"to", 'l', outside},
                             {"to", 'f', "over a link"}}});
  ASSERT_TRUE(root) << root.error().to_string();
  EXPECT_EQ(read(*root + "/to"), "over a link");
  EXPECT_EQ(read(*root + "/outside"), "through a relative link") << "the root's parent is the root";
  EXPECT_EQ(read(*root + outside), "through an absolute link");
}

TEST_F(UnpackTest, WhiteoutsAndHardLinksStayInsideToo) {
  const auto whiteout = unpack({{{"up", 'l', "../.."}, {"up/.wh.outside", 'f', ""}}});
  EXPECT_TRUE(whiteout);
  const auto link = unpack({{{"copy", 'h', "../../outside"}}});
  ASSERT_FALSE(link) << "there is no such file in the image";
  EXPECT_NE(link.error().to_string().find("cannot link copy"), std::string::npos) << link.error().to_string();
}

TEST_F(UnpackTest, AWhiteoutOfADirectoryItselfOrItsParentIsRefused) {
  for (const std::string name : {".wh.", ".wh..", ".wh..."}) {
    for (const std::string& path : {name, "etc/" + name}) {
      const auto root = unpack({{{"keep", 'f', "one"}, {"etc/keep", 'f', path}}, {{path, 'f', ""}}});
      ASSERT_FALSE(root) << path;
      EXPECT_NE(root.error().to_string().find("whiteout " + path + " names no file"), std::string::npos)
          << root.error().to_string();
      EXPECT_EQ(read(folder_ + "/outside"), "untouched") << path;
      EXPECT_TRUE(std::filesystem::exists(folder_ + "/images/blobs")) << path;
    }
  }
}

TEST_F(UnpackTest, WhatIsRemovedWithADirectoryAreLinksAndNotWhereTheyLead) {
  const auto root = unpack({{{"tree/a/b/file", 'f', "x"},
                             {"tree/a/up", 'l', "../../kept"},
                             {"tree/out", 'l', folder_},
                             {"kept/file", 'f', "kept"},
                             {"opaque/deep/out", 'l', folder_}},
                            {{".wh.tree", 'f', ""}, {"opaque/.wh..wh..opq", 'f', ""}, {"opaque/new", 'f', "two"}}});
  ASSERT_TRUE(root) << root.error().to_string();
  EXPECT_FALSE(std::filesystem::exists(*root + "/tree"));
  EXPECT_FALSE(std::filesystem::exists(*root + "/opaque/deep"));
  EXPECT_EQ(read(*root + "/opaque/new"), "two");
  EXPECT_EQ(read(*root + "/kept/file"), "kept");
  EXPECT_EQ(read(folder_ + "/outside"), "untouched");
}

TEST_F(UnpackTest, DevicesAreLeftOut) {
  const auto root = unpack({{{"dev/null", 'c', ""}, {"file", 'f', "x"}}});
  ASSERT_TRUE(root) << root.error().to_string();
  EXPECT_FALSE(std::filesystem::exists(*root + "/dev/null"));
  EXPECT_EQ(read(*root + "/file"), "x");
}

TEST_F(UnpackTest, ALayerThatIsNotWhatItsDigestSaysIsRefused) {
  Image image;
  image.digest = "sha256:" + std::string(64, 'a');
  const std::string digest = store_->put_blob(tar({{"file", 'f', "good"}})).value();
  image.layers.push_back({digest, ""});
  ::chmod(store_->blob_path(digest).c_str(), 0644);
  ASSERT_TRUE(write_file(store_->blob_path(digest), tar({{"file", 'f', "evil"}})));
  const auto root = unpack_image(*store_, image, folder_ + "/rootfs");
  ASSERT_FALSE(root);
  EXPECT_NE(root.error().to_string().find("does not match its digest"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/rootfs")) << "nothing half-made stays";
}

TEST_F(UnpackTest, ADamagedLayerIsAnErrorThatNamesTheImage) {
  Image image;
  image.digest = "sha256:" + std::string(64, 'b');
  image.layers.push_back({store_->put_blob("this is no archive at all").value(), ""});
  const auto root = unpack_image(*store_, image, folder_ + "/rootfs");
  ASSERT_FALSE(root);
  EXPECT_NE(root.error().to_string().find(image.digest), std::string::npos) << root.error().to_string();
}

TEST_F(UnpackTest, AnImageIsUnpackedOnce) {
  const auto first = unpack({{{"file", 'f', "x"}}});
  ASSERT_TRUE(first);
  ASSERT_TRUE(write_file(*first + "/mark", "still there"));
  const auto second = unpack({{{"file", 'f', "x"}}});
  ASSERT_TRUE(second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(read(*second + "/mark"), "still there");
}

TEST_F(UnpackTest, WhatWasUnpackedOfImagesWithoutANameIsCollected) {
  const auto digest = [](const std::string& root) {
    return "sha256:" + std::filesystem::path(root).filename().string();
  };
  const auto old = unpack({{{"file", 'f', "old"}}});
  const auto fresh = unpack({{{"file", 'f', "fresh"}}});
  ASSERT_TRUE(old && fresh);
  ASSERT_TRUE(make_directories(folder_ + "/rootfs/.unpacking-3/usr"));
  ASSERT_TRUE(store_->tag(digest(*old), 1, "fairlead.local/shop:1"));
  ASSERT_TRUE(store_->tag(digest(*fresh), 1, "fairlead.local/other:1"));
  ASSERT_TRUE(collect_unpacked(*store_, folder_ + "/rootfs"));
  EXPECT_EQ(read(*old + "/file"), "old");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/rootfs/.unpacking-3"));
  // A new build takes the name; the old image itself stays for whoever asks by its digest.
  ASSERT_TRUE(store_->tag(digest(*fresh), 1, "fairlead.local/shop:1"));
  ASSERT_TRUE(collect_unpacked(*store_, folder_ + "/rootfs"));
  EXPECT_FALSE(std::filesystem::exists(*old));
  EXPECT_EQ(read(*fresh + "/file"), "fresh");
  EXPECT_NE(read(folder_ + "/images/index.json").find(digest(*old)), std::string::npos);
  ASSERT_TRUE(write_file(folder_ + "/images/index.json", "no JSON"));
  EXPECT_FALSE(collect_unpacked(*store_, folder_ + "/rootfs"));
  EXPECT_EQ(read(*fresh + "/file"), "fresh") << "nothing goes on a guess";
}

}  // namespace
}  // namespace fairlead::node
