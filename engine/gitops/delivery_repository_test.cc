#include "engine/gitops/delivery_repository.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/testing_folder.h"
#include "engine/gitops/git_repository.h"
#include "engine/gitops/git_source.h"
#include "engine/gitops/program.h"

namespace fairlead::gitops {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest =
    "apiVersion: v1\nkind: Rollout\nspec: {template: {spec: {containers: [{name: web, image: r/web:0@sha256:0}]}}}\n";

/// A checkout with one service called web, in a folder that goes away with the test.
class DeliveryRepositoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write("infrastructure/rendered/dev/web/manifests.yaml", kManifest);
    write("infrastructure/apps/web/values-dev.yaml", "image: r/web:0@sha256:0\n");
    git({"init", "-q", "-b", "work"});
    git({"config", "user.email", "dev@example.com"});
    git({"config", "user.name", "Dev"});
    commit("first");
  }

  [[nodiscard]] std::string checkout() const { return root_ / "checkout"; }
  [[nodiscard]] DeliveryRepository repository() const { return {checkout(), root_ / "state" / "git", "dev"}; }

  void write(const std::string& file, std::string_view text) const {
    const fs::path path = fs::path(checkout()) / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::string git(std::vector<std::string> arguments) const {
    std::vector<std::string> argv = {"git", "-C", checkout()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto out = check_program(argv);
    EXPECT_TRUE(out) << out.error().message;
    return out.value_or("");
  }
  void commit(const std::string& message) const {
    git({"add", "-A"});
    git({"commit", "-q", "-m", message});
  }
  [[nodiscard]] std::string file_on_main(const std::string& path) const {
    const auto opened = GitRepository::open(root_ / "state" / "git");
    EXPECT_TRUE(opened);
    return opened->file(opened->resolve("main")->sha, path).value_or("");
  }

  const TemporaryFolder temporary_{"gitops"};
  const fs::path root_ = temporary_.path();
};

TEST_F(DeliveryRepositoryTest, pins_survive_a_ship_of_the_persons_next_commit) {
  DeliveryRepository delivery = repository();
  EXPECT_FALSE(delivery.exists());
  const auto created = delivery.create();
  ASSERT_TRUE(created) << created.error().message;
  const std::string before = git({"status", "--porcelain", "--branch"});
  ASSERT_TRUE(delivery.pin({{"web", "r/web:1@sha256:1"}}, "pin"));
  EXPECT_EQ(delivery.pins("main"), (Pins{{"web", "r/web:1@sha256:1"}}));

  write("README.md", "changed\n");
  write("infrastructure/apps/web/values-dev.yaml", "image: r/web:9@sha256:9\nport: 1\n");  // As CI would pin it.
  commit("second");
  const auto shipped = delivery.ship({}, "ship");
  ASSERT_TRUE(shipped) << shipped.error().message;
  EXPECT_EQ(file_on_main("README.md"), "changed\n");
  EXPECT_EQ(file_on_main("infrastructure/apps/web/values-dev.yaml"), "image: r/web:1@sha256:1\nport: 1\n");
  EXPECT_EQ(git({"status", "--porcelain", "--branch"}), before) << "the checkout must not be touched";
}

TEST_F(DeliveryRepositoryTest, two_at_once_wait_for_each_other) {
  ASSERT_TRUE(repository().create());
  const auto pin_ten = [&](char name) {
    for (char n = '0'; n <= '9'; ++n) {
      const auto done = repository().pin({{"web", std::string("r/web:") + name + n + "@sha256:1"}}, "pin");
      EXPECT_TRUE(done) << done.error().message;
    }
  };
  std::thread other([&] { pin_ten('a'); });
  pin_ten('b');
  other.join();
  const auto count = check_program({"git", "--git-dir", root_ / "state" / "git", "rev-list", "--count", "main"});
  EXPECT_EQ(count, "21\n");
}

TEST_F(DeliveryRepositoryTest, ship_refuses_to_choose_between_two_changes_of_one_line) {
  DeliveryRepository delivery = repository();
  ASSERT_TRUE(delivery.create());
  write("a.txt", "mine\n");
  commit("mine");
  const std::string other = root_ / "other";
  ASSERT_TRUE(check_program({"git", "clone", "-q", root_ / "state" / "git", other}));
  std::ofstream(fs::path(other) / "a.txt") << "theirs\n";
  for (const auto& step : std::vector<std::vector<std::string>>{
           {"git", "-C", other, "add", "-A"},
           {"git", "-C", other, "-c", "user.email=o@example.com", "-c", "user.name=O", "commit", "-q", "-m", "theirs"},
           {"git", "-C", other, "push", "-q", "origin", "HEAD:main"}}) {
    const auto done = check_program(step);
    ASSERT_TRUE(done) << done.error().message;
  }
  const auto shipped = delivery.ship({}, "ship");
  ASSERT_FALSE(shipped);
  EXPECT_NE(shipped.error().message.find("a.txt"), std::string::npos) << shipped.error().message;
}

TEST_F(DeliveryRepositoryTest, a_pin_that_changes_nothing_makes_no_commit) {
  DeliveryRepository delivery = repository();
  ASSERT_TRUE(delivery.create());
  EXPECT_EQ(delivery.pin({{"web", "r/web:0@sha256:0"}}, "pin"), delivery.head());
}

TEST_F(DeliveryRepositoryTest, manifests_carry_file_and_position_and_other_files_are_left_alone) {
  write("infrastructure/rendered/dev/web/picture.png", std::string(kMaxManifestBytes + 1, 'x'));
  commit("a picture");
  DeliveryRepository delivery = repository();
  ASSERT_TRUE(delivery.create());
  const auto opened = GitRepository::open(root_ / "state" / "git");
  ASSERT_TRUE(opened);
  const auto read = read_manifests(*opened, {"url", "main", "infrastructure/rendered/dev/web", false});
  ASSERT_TRUE(read) << read.error().to_string();
  ASSERT_EQ(read->manifests.size(), 1U);
  EXPECT_EQ(read->manifests.front().file, "infrastructure/rendered/dev/web/manifests.yaml");
  EXPECT_EQ(read->manifests.front().object.at("spec").line(), 3U);
  EXPECT_EQ(read->message, "a picture");
  const auto missing = read_manifests(*opened, {"url", "main", "nowhere", false});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("nowhere: app path does not exist"), std::string::npos)
      << missing.error().message;
}

}  // namespace
}  // namespace fairlead::gitops
