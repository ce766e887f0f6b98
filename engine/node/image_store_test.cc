#include "engine/node/image_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <future>
#include <set>
#include <vector>

#include "base/testing_folder.h"
#include "engine/node/files.h"
#include "engine/node/image_index.h"

namespace fairlead::node {
namespace {

TEST(ImageStore, ADamagedBlobIsWrittenAgain) {
  const TemporaryFolder folder("images");
  ImageStore store(folder.path());
  const std::string content = "the layer, as it was built";
  const auto digest = store.put_blob(content);
  ASSERT_TRUE(digest);
  // Cut short, as by a full disk; changed in place; and longer than it was.
  for (const std::string& damaged : {content.substr(0, 5), std::string(content.size(), 'x'), content + "more"}) {
    ASSERT_TRUE(write_file(store.blob_path(*digest), damaged));
    EXPECT_EQ(store.put_blob(content).value_or(""), *digest);
    EXPECT_EQ(read_file(store.blob_path(*digest)).value_or(""), content);
  }
}

class Collect : public ::testing::Test {
 protected:
  /// An image of two layers, one of which all images share.
  std::string image(const std::string& name) {
    const std::string shared = store_.put_blob("shared").value();
    const std::string own = store_.put_blob("layer of " + name).value();
    const std::string config = store_.put_blob("{\"config\":{\"User\":\"" + name + "\"}}").value();
    const std::string manifest = fmt::format(
        R"({{"config":{{"digest":"{}"}},"layers":[{{"digest":"{}"}},{{"digest":"{}"}}]}})", config, shared, own);
    std::string digest = store_.put_blob(manifest).value();
    EXPECT_TRUE(store_.tag(digest, static_cast<std::int64_t>(manifest.size()), name));
    return digest;
  }
  bool is_whole(const std::string& digest) {
    const auto found = store_.find("any@" + digest);
    return found && std::ranges::all_of(found->layers, [&](const Image::Layer& layer) {
             return read_file(store_.blob_path(layer.digest)).has_value();
           });
  }

  const TemporaryFolder folder_{"images"};
  ImageStore store_{folder_.path()};
  static constexpr std::chrono::seconds kAnyAge{0};
};

TEST_F(Collect, KeepsWhatIsNamedAndTheNewestVersionsOfEachService) {
  std::vector<std::string> web;
  for (std::size_t i = 0; i < kKeptTags + 4; ++i) web.push_back(image(fmt::format("shop/web:{}", i)));
  const std::string other = image("shop/other:1");
  const std::set<std::string> wanted = {web[1], "shop/web:2"};
  EXPECT_EQ(store_.collect(wanted, kAnyAge).value_or(0), 6U) << "a manifest, a configuration and a layer of two";
  for (std::size_t i = 0; i < web.size(); ++i) EXPECT_EQ(is_whole(web[i]), i != 0 && i != 3) << i;
  EXPECT_TRUE(is_whole(other)) << "each name has its own newest";
  EXPECT_FALSE(store_.find("shop/web:3"));
  EXPECT_TRUE(store_.find("shop/web:2"));
  EXPECT_EQ(store_.collect(wanted, kAnyAge).value_or(9), 0U);
}

TEST_F(Collect, AnImageThatLostItsNameStaysAsLongAsSomebodyWantsIt) {
  const std::string before = image("shop/web:1");
  store_.put_blob("something else, so that the next one differs").value();
  const std::string manifest = "{\"config\":{\"digest\":\"" + store_.put_blob("{}").value() + "\"},\"layers\":[]}";
  const std::string after = store_.put_blob(manifest).value();
  ASSERT_TRUE(store_.tag(after, static_cast<std::int64_t>(manifest.size()), "shop/web:1"));
  ASSERT_TRUE(store_.collect({before}, kAnyAge));
  EXPECT_TRUE(is_whole(before));
  ASSERT_TRUE(store_.collect({}, kAnyAge));
  EXPECT_FALSE(is_whole(before));
  EXPECT_TRUE(is_whole(after));
}

TEST_F(Collect, WhatIsYoungStays) {
  const std::string layer = store_.put_blob("of an image that is being made").value();
  EXPECT_EQ(store_.collect({}).value_or(9), 0U);
  EXPECT_TRUE(read_file(store_.blob_path(layer)));
  std::filesystem::last_write_time(store_.blob_path(layer),
                                   std::filesystem::file_time_type::clock::now() - 2 * kLeastImageAge);
  ASSERT_TRUE(store_.put_blob("of an image that is being made"));
  EXPECT_EQ(store_.collect({}).value_or(9), 0U) << "who makes it again makes it young";
  EXPECT_EQ(store_.collect({}, kAnyAge).value_or(9), 1U);
}

TEST_F(Collect, RemovesNothingWhereAWantedImageCannotBeRead) {
  const std::string good = image("shop/web:1");
  const std::string bad = image("shop/web:2");
  const std::string stray = store_.put_blob("of no image").value();
  ASSERT_TRUE(write_file(store_.blob_path(bad), "damaged"));
  for (const std::string& wanted : {bad, std::string("shop/web:2")}) {
    EXPECT_FALSE(store_.collect({wanted}, kAnyAge)) << wanted;
    EXPECT_TRUE(is_whole(good) && read_file(store_.blob_path(stray))) << wanted;
  }
}

TEST_F(Collect, AnImageThatCannotBeReadAndThatNobodyWantsGoes) {
  const std::string good = image("shop/web:1");
  const std::string bad = image("shop/web:2");
  const std::string lost = image("shop/web:3");
  const std::string stray = store_.put_blob("of no image").value();
  ASSERT_TRUE(write_file(store_.blob_path(bad), "damaged"));
  ASSERT_TRUE(std::filesystem::remove(store_.blob_path(lost)));
  EXPECT_EQ(store_.collect({good}, kAnyAge).value_or(0), 6U)
      << "what is no image's, a damaged manifest, and the configurations and layers of two";
  EXPECT_TRUE(is_whole(good));
  EXPECT_FALSE(read_file(store_.blob_path(stray)) || read_file(store_.blob_path(bad)));
  EXPECT_EQ(store_.named().value_or(std::vector<std::string>()), std::vector<std::string>{good});
}

/// As a full disk does it: nothing can be written as long as this lives.
class NoRoom {
 public:
  NoRoom() : ignored_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~NoRoom() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, ignored_);
  }
  NoRoom(const NoRoom&) = delete;
  NoRoom& operator=(const NoRoom&) = delete;

 private:
  void (*ignored_)(int);
  rlimit before_{};
};

TEST_F(Collect, MakesRoomBeforeItWritesAnything) {
  std::vector<std::string> web;
  for (std::size_t i = 0; i < kKeptTags + 1; ++i) web.push_back(image(fmt::format("shop/web:{}", i)));
  {
    const NoRoom room;
    ASSERT_FALSE(write_file(folder_.path() + "/probe", "x"));
    EXPECT_FALSE(store_.collect({}, kAnyAge));
  }
  EXPECT_FALSE(std::filesystem::exists(store_.blob_path(web[0]))) << "what nobody needs went all the same";
  EXPECT_TRUE(is_whole(web[1]));
  ASSERT_TRUE(store_.collect({}, kAnyAge));
  EXPECT_EQ(store_.named().value_or(std::vector<std::string>()).size(), kKeptTags);
}

TEST_F(Collect, NobodyStoresABlobMeanwhile) {
  ASSERT_TRUE(store_.put_blob("a layer"));
  std::future<bool> stored;
  {
    const auto held = lock_images(folder_.path());
    ASSERT_TRUE(held);
    stored = std::async(std::launch::async, [&] { return store_.put_blob("a layer").has_value(); });
    EXPECT_EQ(stored.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout)
        << "between a look at its age and its removal it would be taken for stored";
  }
  EXPECT_TRUE(stored.get());
}

}  // namespace
}  // namespace fairlead::node
