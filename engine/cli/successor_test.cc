#include "engine/cli/successor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/testing_folder.h"
#include "engine/gitops/program.h"

namespace fairlead::cli {
namespace {

namespace fs = std::filesystem;

/// A checkout with two services, and its delivery repository.
class SuccessorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    project_.root = temporary_.path();
    for (const char* service : {"web", "api"}) {
      write(fmt::format("infrastructure/rendered/dev/{}/manifests.yaml", service),
            fmt::format("kind: Rollout\nspec: {{template: {{spec: {{containers: [{{name: {0}, image: "
                        "r/{0}:0@sha256:0}}]}}}}}}\n",
                        service));
      write(fmt::format("infrastructure/apps/{}/values-dev.yaml", service),
            fmt::format("image: r/{}:0@sha256:0\n", service));
    }
    for (const std::vector<std::string>& git :
         std::vector<std::vector<std::string>>{{"init", "-q"},
                                               {"add", "infrastructure"},
                                               {"-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "c"}}) {
      std::vector<std::string> argv = {"git", "-C", project_.root};
      argv.insert(argv.end(), git.begin(), git.end());
      ASSERT_TRUE(gitops::check_program(argv));
    }
    ASSERT_TRUE(delivery().create());
  }

  [[nodiscard]] gitops::DeliveryRepository delivery() const {
    return {project_.root, project_.repository(), project_.environment};
  }
  [[nodiscard]] std::string pin(const std::string& service, const std::string& digest) const {
    return delivery().pin({{service, fmt::format("r/{}:1@{}", service, digest)}}, "pin").value_or("");
  }
  void write(const std::string& file, std::string_view text) const {
    const fs::path path = fs::path(project_.root) / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  const TemporaryFolder temporary_{"successor"};
  Project project_;
};

TEST_F(SuccessorTest, replaces_what_was_shipped_when_it_wants_other_pods) {
  const std::string shipped = pin("web", "sha256:1");
  Successor successor(project_, shipped);
  ASSERT_TRUE(successor.look());
  EXPECT_FALSE(successor.replaced("web"));
  EXPECT_EQ(successor.head(), shipped);

  const std::string other = pin("api", "sha256:7");
  ASSERT_TRUE(successor.look());
  EXPECT_FALSE(successor.replaced("web")) << "another service's image is none of its business";
  EXPECT_TRUE(successor.replaced("api"));
  EXPECT_EQ(successor.head(), other);

  const std::string newer = pin("web", "sha256:2");
  ASSERT_TRUE(successor.look());
  EXPECT_TRUE(successor.replaced("web"));
  EXPECT_EQ(successor.head(), newer);
}

TEST_F(SuccessorTest, says_when_the_repository_is_gone) {
  Successor successor(project_, pin("web", "sha256:1"));
  fs::remove_all(project_.state());
  EXPECT_FALSE(successor.look());
}

}  // namespace
}  // namespace fairlead::cli
