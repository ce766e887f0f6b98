#include "engine/gitops/environment.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "base/yaml.h"

namespace fairlead::gitops {
namespace {

namespace fs = std::filesystem;

/// A tree with one environment and the given needs.
class EnvironmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "fairlead-environment-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    write("infrastructure/environments/dev.yaml",
          "apiVersion: fairlead.dev/v1\nenvironment: {name: dev, class: nonprod}\nservices: {web: {}, api: {size: "
          "large}}\n");
    write("infrastructure/apps/web/needs.yaml", "apiVersion: fairlead.dev/v1\nkind: Needs\ncalls: [api]\n");
    write("infrastructure/apps/api/needs.yaml",
          "apiVersion: fairlead.dev/v1\nkind: Needs\negress: [api.example.com]\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& file, std::string_view text) const {
    fs::create_directories((fs::path(root_) / file).parent_path());
    std::ofstream(fs::path(root_) / file) << text;
  }
  [[nodiscard]] std::string first_error(const std::string& file, std::string_view text) const {
    write(file, text);
    const auto rendered = render_environment(root_, "dev");
    return rendered ? "" : rendered.error().front().to_string();
  }

  std::string root_;
};

TEST_F(EnvironmentTest, joins_the_files_with_their_defaults_and_hashes) {
  const auto rendered = render_environment(root_, "dev");
  ASSERT_TRUE(rendered) << rendered.error().front().to_string();
  EXPECT_EQ(
      to_json(rendered->at("services")),
      R"({"web":{"size":"small","calls":["api"],"egress":[]},"api":{"size":"large","calls":[],"egress":["api.example.com"]}})");
  EXPECT_EQ(rendered->at("sources").size(), 3U);
  EXPECT_EQ(rendered->at("sources", "infrastructure/apps/web/needs.yaml").str().size(), 64U);
}

TEST_F(EnvironmentTest, says_where_and_what) {
  const std::string needs = "infrastructure/apps/web/needs.yaml";
  EXPECT_EQ(first_error(needs, "apiVersion: fairlead.dev/v1\nkind: Needs\ncals: []\n"),
            needs + ":3:7: unknown key cals; known here: apiVersion, kind, calls, egress");
  EXPECT_EQ(first_error(needs, "apiVersion: fairlead.dev/v1\nkind: Needs\ncalls: [api, db]\n"),
            needs + ":3:14: calls db, which is not a service of this environment");
  EXPECT_EQ(first_error(needs, "apiVersion: fairlead.dev/v1\nkind: Needs\ncalls: api\n"),
            needs + ":3:8: calls must be of type array, not string");
  EXPECT_EQ(first_error(needs, "kind: Needs\n"), needs + ":1:1: apiVersion is missing");
  EXPECT_EQ(first_error(needs, "apiVersion: v2\nkind: Needs\n"),
            needs + ":1:13: apiVersion is v2; it may be fairlead.dev/v1");
}

TEST_F(EnvironmentTest, the_file_and_its_name_agree) {
  EXPECT_EQ(first_error("infrastructure/environments/dev.yaml",
                        "apiVersion: fairlead.dev/v1\nenvironment: {name: prod, class: prod}\nservices: {}\n"),
            "infrastructure/environments/dev.yaml:2:21: environment.name is prod, but the file is called dev.yaml");
}

TEST(DocumentRule, makes_the_schema_for_editors) {
  const Value schema = json_schema(needs_rule());
  EXPECT_EQ(to_json(schema.at("required")), R"(["apiVersion","kind"])");
  EXPECT_FALSE(schema.at("additionalProperties").bool_or(true));
  EXPECT_EQ(schema.at("properties", "calls", "items", "type").str(), "string");
}

}  // namespace
}  // namespace fairlead::gitops
