#include "engine/world/wanted_images.h"

#include <gtest/gtest.h>

#include "base/testing_folder.h"
#include "base/yaml.h"
#include "engine/api/journal.h"
#include "engine/gitops/program.h"
#include "engine/node/files.h"
#include "engine/seam/clock.h"

namespace fairlead::world {
namespace {

using Set = std::set<std::string>;

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(WantedImages, AreNamedByFieldsAtAnyDepth) {
  const auto tree = parse_yaml("spec: {template: {spec: {containers: [{image: 'shop/web:1@" + kDigest +
                                   "'}, {image: shop/api}, {image: 'registry:5000/db:7'}]}}, image: {name: x}}",
                               "test");
  Set out;
  add_images(tree->front(), out);
  EXPECT_EQ(out, (Set{kDigest, "shop/api:latest", "registry:5000/db:7"}));
}

TEST(WantedImages, AreFoundInAnyText) {
  Set out;
  add_digests("image: \"shop/web@" + kDigest + "\"\nshort: sha256:abc\nsha256:", out);
  EXPECT_EQ(out, Set{kDigest});
}

/// A state directory with a repository that delivers to two environments, and a store in which neither is applied.
class CollectImages : public ::testing::Test {
 protected:
  void SetUp() override {
    git({"init", "-q", "-b", std::string(kMain)});
    for (const char* environment : {"dev", "prod"}) {
      const std::string folder = state_ + "/git/infrastructure/rendered/" + environment + "/web";
      ASSERT_TRUE(node::make_directories(folder));
      delivered_.push_back(image(std::string("shop/web-") + environment));
      ASSERT_TRUE(node::write_file(
          folder + "/manifests.yaml",
          fmt::format("kind: Deployment\nspec: {{containers: [{{image: 'r/web:1@{}'}}]}}\n", delivered_.back())));
    }
    git({"add", "-A"});
    git({"-c", "user.email=dev@example.com", "-c", "user.name=Dev", "commit", "-q", "-m", "first"});
  }

  void git(const std::vector<std::string>& arguments) const {
    ASSERT_TRUE(node::make_directories(state_ + "/git"));
    std::vector<std::string> argv = {"git", "-C", state_ + "/git"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const auto done = gitops::check_program(argv);
    ASSERT_TRUE(done) << done.error().message;
  }
  /// One that has lost its name: nothing but what is wanted keeps it.
  std::string image(const std::string& name) {
    const std::string config = images_.put_blob("{\"config\":{\"User\":\"" + name + "\"}}").value();
    return images_.put_blob(R"({"layers":[],"config":{"digest":")" + config + "\"}}").value();
  }
  [[nodiscard]] bool is_there(const std::string& digest) const { return images_.find("any@" + digest).has_value(); }
  [[nodiscard]] Result<std::size_t> collect() const {
    return collect_images(api_, state_, std::string(kMain), std::chrono::seconds(0));
  }

  static constexpr std::string_view kMain = "main";
  const TemporaryFolder folder_{"state"};
  const std::string state_ = folder_.path();
  node::ImageStore images_{state_ + "/images"};
  std::vector<std::string> delivered_;
  api::Schema schema_;
  std::unique_ptr<api::Journal> journal_ = api::memory_journal();
  api::Store store_{schema_, *journal_};
  seam::ManualClock clock_{Time(Duration(0))};
  api::Api api_{schema_, store_, clock_, 7};
};

TEST_F(CollectImages, LeavesWhatObjectsRunAndWhatIsDeliveredToAnyEnvironment) {
  const std::string runs = image("shop/runs");
  const std::string nobodys = image("shop/nobodys");
  const api::Resource& pods = schema_.resource("", "pods");
  store_.put(
      {&pods, "shop", "web"},
      Value::object({{"apiVersion", "v1"},
                     {"kind", "Pod"},
                     {"spec", Value::object({{"containers", Value::array({Value::object(
                                                                {{"name", "web"}, {"image", "any@" + runs}})})}})}}));
  const auto removed = collect();
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, 2U) << "a manifest and its configuration";
  EXPECT_FALSE(is_there(nobodys));
  EXPECT_TRUE(is_there(runs));
  ASSERT_EQ(delivered_.size(), 2U);
  EXPECT_TRUE(is_there(delivered_[0]) && is_there(delivered_[1])) << "no environment is applied here";
}

TEST_F(CollectImages, LeavesEverythingWhereWhatIsDeliveredCannotBeRead) {
  const std::string nobodys = image("shop/nobodys");
  node::remove_tree(state_ + "/git");
  EXPECT_FALSE(collect());
  EXPECT_TRUE(is_there(nobodys));
}

}  // namespace
}  // namespace fairlead::world
