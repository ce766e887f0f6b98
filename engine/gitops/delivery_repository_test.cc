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
  /// As somebody with a clone of the delivery repository does it; the clone stays.
  void push(const std::string& file, std::string_view text) const {
    const std::string clone = root_ / "other";
    if (!fs::exists(clone)) {
      ASSERT_TRUE(check_program({"git", "clone", "-q", root_ / "state" / "git", clone}));
    }
    std::ofstream(fs::path(clone) / file) << text;
    for (const auto& step : std::vector<std::vector<std::string>>{
             {"add", "-A"},
             {"-c", "user.email=o@example.com", "-c", "user.name=O", "commit", "-q", "-m", "theirs"},
             {"push", "-q", "origin", "HEAD:main"}}) {
      std::vector<std::string> argv = {"git", "-C", clone};
      argv.insert(argv.end(), step.begin(), step.end());
      const auto done = check_program(argv);
      ASSERT_TRUE(done) << done.error().message;
    }
  }
  [[nodiscard]] std::string file_on_main(const std::string& path) const {
    const auto opened = GitRepository::open(root_ / "state" / "git");
    EXPECT_TRUE(opened);
    return opened->file(opened->resolve("main")->sha, path).value_or("");
  }

  const TemporaryFolder temporary_{"gitops"};
  const fs::path root_ = temporary_.path();
};

TEST_F(DeliveryRepositoryTest, WhatAnApplicationBringsFromOtherFilesIsNoService) {
  DeliveryRepository delivery = repository();
  ASSERT_TRUE(delivery.create());
  write("infrastructure/rendered/dev/hello/deployment.yaml", "kind: Deployment\n");
  write("infrastructure/rendered/dev/plain/manifests.yaml", "kind: ConfigMap\n");
  commit("two Applications without values");
  const auto shipped = delivery.ship({{"web", "r/web:1@sha256:1"}}, "Ship");
  ASSERT_TRUE(shipped) << shipped.error().message;
  EXPECT_EQ(*delivery.services(*shipped), std::vector<std::string>{"web"});
  EXPECT_EQ(*delivery.pins(*shipped), (Pins{{"web", "r/web:1@sha256:1"}}));
}

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

TEST_F(DeliveryRepositoryTest, a_conflict_is_settled_where_no_pin_comes_into_the_persons_branch) {
  DeliveryRepository delivery = repository();
  ASSERT_TRUE(delivery.create());
  ASSERT_TRUE(delivery.pin({{"web", "r/web:1@sha256:1"}}, "pin"));
  const std::string bare = root_ / "state" / "git";
  push("infrastructure/apps/web/values-dev.yaml", "image: r/web:1@sha256:1\nreplicas: 5\n");
  write("infrastructure/apps/web/values-dev.yaml", "image: r/web:0@sha256:0\nreplicas: 3\n");
  commit("mine");
  const auto shipped = delivery.ship({}, "ship");
  ASSERT_FALSE(shipped) << "neither side's replicas may be lost";
  const std::string& said = shipped.error().message;
  EXPECT_NE(said.find("both changed infrastructure/apps/web/values-dev.yaml: "), std::string::npos) << said;
  EXPECT_EQ(said.find("git pull " + bare), std::string::npos) << said;

  // What it says to do, word for word, and then the resolution.
  const std::string clone = root_ / "other";
  const std::string pull = "git pull --no-rebase " + checkout() + " HEAD";
  EXPECT_NE(said.find("`git clone " + bare + " DIRECTORY`, there `" + pull + "`"), std::string::npos) << said;
  EXPECT_FALSE(check_program({"git", "-C", clone, "pull", "-q", "--no-rebase", checkout(), "HEAD"}));
  push("infrastructure/apps/web/values-dev.yaml", "image: r/web:1@sha256:1\nreplicas: 3\n");
  EXPECT_EQ(delivery.ship({}, "ship"), delivery.head());
  EXPECT_EQ(file_on_main("infrastructure/apps/web/values-dev.yaml"), "image: r/web:1@sha256:1\nreplicas: 3\n");
}

TEST_F(DeliveryRepositoryTest, a_head_that_went_back_is_told_what_is_delivered_and_how_to_go_on) {
  DeliveryRepository delivery = repository();
  ASSERT_TRUE(delivery.create());
  write("a.txt", "1\n");
  commit("Break it");
  const std::string broken = git({"rev-parse", "HEAD"}).substr(0, 7);
  ASSERT_TRUE(delivery.ship({}, "ship"));
  git({"reset", "-q", "--hard", "HEAD~1"});
  const auto refused = delivery.ship({{"web", "r/web:1@sha256:1"}}, "ship");
  ASSERT_FALSE(refused);
  EXPECT_EQ(
      refused.error().message,
      fmt::format("what is delivered is ahead of HEAD by 1 commit of yours ({0} \"Break it\"): `git merge --ff-only "
                  "{0}` brings HEAD there again, and `git revert` then undoes what is not wanted",
                  broken));
  git({"merge", "-q", "--ff-only", broken});
  EXPECT_TRUE(delivery.ship({}, "ship"));
  git({"revert", "--no-edit", "HEAD"});
  EXPECT_TRUE(delivery.ship({}, "ship"));
  EXPECT_EQ(file_on_main("a.txt"), "");
}

TEST_F(DeliveryRepositoryTest, a_head_behind_the_imported_one_is_behind_too) {
  write("a.txt", "1\n");
  commit("second");
  DeliveryRepository delivery = repository();
  ASSERT_TRUE(delivery.create());
  git({"reset", "-q", "--hard", "HEAD~1"});
  EXPECT_FALSE(delivery.ship({}, "ship"));
}

TEST_F(DeliveryRepositoryTest, an_amended_commit_takes_the_place_of_the_shipped_one) {
  DeliveryRepository delivery = repository();
  ASSERT_TRUE(delivery.create());
  push("pushed.txt", "by others\n");
  write("a.txt", "1\n");
  write("b.txt", "1\n");
  commit("mine");
  ASSERT_TRUE(delivery.ship({}, "ship"));
  write("a.txt", "2\n");
  fs::remove(fs::path(checkout()) / "b.txt");
  git({"add", "-A"});
  git({"commit", "-q", "--amend", "-m", "mine, better"});
  const auto shipped = delivery.ship({}, "ship");
  ASSERT_TRUE(shipped) << shipped.error().message;
  EXPECT_EQ(file_on_main("a.txt"), "2\n");
  EXPECT_EQ(file_on_main("b.txt"), "") << "HEAD has it no more";
  EXPECT_EQ(file_on_main("pushed.txt"), "by others\n");
}

TEST_F(DeliveryRepositoryTest, knows_whose_pods_a_commit_changes) {
  write("infrastructure/rendered/dev/api/manifests.yaml",
        "kind: Rollout\nspec: {template: {spec: {containers: [{name: api, image: r/api:0@sha256:0}]}}}\n");
  write("infrastructure/apps/api/values-dev.yaml", "image: r/api:0@sha256:0\n");
  commit("second");
  DeliveryRepository delivery = repository();
  ASSERT_TRUE(delivery.create());
  const auto shipped = [&] {
    const auto sha = delivery.ship({}, "ship");
    EXPECT_TRUE(sha) << sha.error().message;
    return delivery.changed_by(sha.value_or("")).value_or(std::vector<ServiceChange>{{"?", true}});
  };
  write("infrastructure/rendered/dev/api/manifests.yaml",
        "# A comment, and a Rollout that waits longer.\nkind: Rollout\nspec: {minReadySeconds: 5, template: {spec: "
        "{containers: [{image: r/api:0@sha256:0, name: api}]}}}\n");
  commit("no pod changes");
  EXPECT_EQ(shipped(), (std::vector<ServiceChange>{{"api", false}}));
  write("infrastructure/rendered/dev/api/manifests.yaml",
        "kind: Rollout\nspec: {template: {metadata: {labels: {a: b}}, spec: {containers: [{name: api, image: "
        "r/api:0@sha256:0}]}}}\n");
  commit("a label");
  EXPECT_EQ(shipped(), (std::vector<ServiceChange>{{"api", true}}));
  write("docs/notes.md", "Not of any service.\n");
  commit("a note");
  EXPECT_EQ(shipped(), std::vector<ServiceChange>{});
  const auto pinned = delivery.pin({{"web", "r/web:1@sha256:1"}}, "pin");
  ASSERT_TRUE(pinned);
  EXPECT_EQ(delivery.changed_by(*pinned), (std::vector<ServiceChange>{{"web", true}}));
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
  ASSERT_TRUE(read->manifests) << read->manifests.error().to_string();
  ASSERT_EQ(read->manifests->size(), 1U);
  EXPECT_EQ(read->manifests->front().file, "infrastructure/rendered/dev/web/manifests.yaml");
  EXPECT_EQ(read->manifests->front().object.at("spec").line(), 3U);
  EXPECT_EQ(read->message, "a picture");
  const auto missing = read_manifests(*opened, {"url", "main", "nowhere", false});
  ASSERT_TRUE(missing) << missing.error().to_string();
  EXPECT_EQ(missing->revision, read->revision);
  ASSERT_FALSE(missing->manifests);
  EXPECT_NE(missing->manifests.error().message.find("nowhere: app path does not exist"), std::string::npos)
      << missing->manifests.error().message;
}

}  // namespace
}  // namespace fairlead::gitops
