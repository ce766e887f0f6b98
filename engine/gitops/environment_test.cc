#include "engine/gitops/environment.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "base/testing_folder.h"
#include "base/yaml.h"
#include "engine/gitops/environment_rule.h"

namespace fairlead::gitops {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

const Value& table() {
  static const Value kTable = [] {
    const std::string file = FAIRLEAD_SOURCE_DIR "/engine/gitops/testdata/environment_refusals.yaml";
    return parse_yaml(read_file(file), file).value().front();
  }();
  return kTable;
}

/// A folder with the table's three environments.
class Tree {
 public:
  Tree() {
    for (const Member& file : table().at("files").members()) write(file.key, file.value.str());
  }

  void write(const std::string& file, std::string_view text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  /// False where `from` is not in `file`.
  bool replace(const std::string& file, std::string_view from, std::string_view to) const {
    std::string text = read_file(root_ / file);
    const std::size_t at = text.find(from);
    if (at == std::string::npos) return false;
    write(file, text.replace(at, from.size(), to));
    return true;
  }
  [[nodiscard]] auto render(const std::string& name) const { return render_environment(root_, name); }

 private:
  const TemporaryFolder temporary_{"environment"};
  const fs::path root_ = temporary_.path();
};

TEST(Environment, the_tables_tree_is_sound) {
  const Tree tree;
  for (const char* name : {"dev", "box", "prod"}) {
    const auto rendered = tree.render(name);
    EXPECT_TRUE(rendered) << rendered.error().front().to_string();
  }
}

TEST(Environment, refuses_with_file_line_and_one_sentence) {
  ASSERT_GT(table().at("cases").size(), 40U);
  for (const Value& row : table().at("cases").items()) {
    const Tree tree;
    ASSERT_TRUE(tree.replace(std::string(row.at("file").str()), row.at("replace").str(), row.at("with").str()))
        << "case at line " << row.line();
    const auto rendered = tree.render(std::string(row.at("environment").string_or("dev")));
    ASSERT_FALSE(rendered) << "case at line " << row.line();
    EXPECT_EQ(rendered.error().front().to_string(), row.at("error").str()) << "case at line " << row.line();
  }
}

TEST(Environment, a_firewall_wants_a_hub_that_has_one) {
  const Tree tree;
  tree.replace("infrastructure/environments/dev.yaml", "{ref: dev}", "{ref: dev, egressTier: natGateway}");
  tree.replace("infrastructure/environments/box.yaml", ", egressTier: natGateway", "");
  const auto rendered = tree.render("box");
  ASSERT_FALSE(rendered);
  EXPECT_EQ(rendered.error().front().to_string(),
            "infrastructure/environments/box.yaml:9:6: hub.egressTier is firewall, but dev's hub has none");
}

TEST(Environment, joins_the_files_with_defaults_names_and_hashes) {
  const auto dev = Tree().render("dev").value();
  EXPECT_EQ(to_json(dev.at("services")), R"({"web":{"size":"small","calls":["api"],"egress":[]},)"
                                         R"("api":{"size":"large","calls":[],"egress":["api.example.com"]}})");
  EXPECT_EQ(to_json(dev.at("containers")),
            R"({"api/things":{"database":"api","name":"things","partitionKey":"/kind","mode":"autoscale",)"
            R"("requestUnits":2000}})");
  EXPECT_EQ(to_json(dev.at("regions", "northeurope", "subnets")),
            R"({"nodes":"10.1.0.0/21","gateway":"10.1.8.0/24","endpoints":"10.1.9.0/24",)"
            R"("applicationGateway":"10.1.10.0/24","apiServer":"10.1.11.0/28","privateLink":"10.1.11.64/26"})");
  // Those that share the hub or the registry are sources too: the hub lets their traffic out, the registry replicates.
  EXPECT_EQ(dev.at("sources").size(), 6U);
  EXPECT_EQ(dev.at("sources", "infrastructure/apps/web/needs.yaml").str().size(), 64U);
  EXPECT_EQ(to_json(dev.at("registry", "replicas")), R"(["uksouth"])");
  EXPECT_EQ(to_json(dev.at("hub", "spokes", "dev", "allow")), R"(["api.example.com"])");
}

TEST(Environment, grants_are_what_needs_say_and_kedas_count) {
  const auto grants = Tree().render("dev").value().at("grants");
  std::vector<std::string> keys;
  for (const Member& kind : grants.members()) {
    for (const Member& grant : kind.value.members()) keys.push_back(kind.key + " " + grant.key);
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"containers api:api/things:write", "queues api:api/jobs:receive",
                                            "queues keda:api/jobs:measure", "queues web:api/jobs:send",
                                            "secrets api/token", "redis web"}));
}

TEST(Environment, a_sandbox_applies_neither_hub_nor_edge) {
  EXPECT_EQ(to_json(Tree().render("box").value().at("roots")), R"(["global","region"])");
  EXPECT_EQ(to_json(Tree().render("prod").value().at("roots")), R"(["foundation","hub","global","region","edge"])");
}

TEST(Environment, who_holds_what_others_share_depends_on_their_names) {
  const Tree tree;
  const auto names = [&](const char* of) {
    return std::string(tree.render(of).value().at("sources", "infrastructure/environments/*.yaml").string_or(""));
  };
  const std::string dev = names("dev");
  EXPECT_EQ(names("box"), "");
  tree.write("infrastructure/environments/more.yaml", "not read yet");
  EXPECT_NE(names("dev"), dev);
}

TEST(Environment, each_keeps_its_states_in_a_container_of_its_own) {
  const Tree tree;
  EXPECT_EQ(to_json(tree.render("dev").value().at("foundation", "stateContainers")),
            R"({"dev":"tfstate-dev","box":"tfstate-box"})");
  EXPECT_EQ(to_json(tree.render("box").value().at("foundation", "stateContainers")), R"({"box":"tfstate-box"})");
}

TEST(Environment, runners_belong_to_the_hub_that_all_see) {
  const Tree tree;
  tree.replace(
      "infrastructure/environments/dev.yaml", "hub: {ref: dev}",
      "hub: {ref: dev, runners: {image: \"sha256:" + std::string(64, 'a') + "\", app: {id: 7, installation: 8}}}");
  const auto runners = tree.render("dev").value().at("hub", "runners");
  EXPECT_EQ(runners.at("label").str(), "ring-dev");
  EXPECT_EQ(fmt::format("{}/{}", runners.at("organization").str(), runners.at("repository").str()), "o/r");
  EXPECT_EQ(runners.at("app", "installation").int_or(0), 8);
  EXPECT_EQ(runners.at("max").int_or(0), 4);
  EXPECT_EQ(tree.render("box").value().at("hub", "runners"), runners);
  EXPECT_FALSE(Tree().render("dev").value().at("hub").has("runners"));
}

TEST(Environment, pipelines_are_known_as_githubs_tokens_say) {
  const Tree tree;
  EXPECT_EQ(tree.render("dev").value().at("foundation", "subject").str(), "repo:o/r");
  tree.replace("infrastructure/environments/dev.yaml", "repository: o/r",
               "repository: o/r\n  subject: \"repo:o@1/r@23\"");
  EXPECT_EQ(tree.render("dev").value().at("foundation", "subject").str(), "repo:o@1/r@23");
  EXPECT_EQ(tree.render("box").value().at("foundation", "subject").str(), "repo:o@1/r@23");
  EXPECT_EQ(tree.render("prod").value().at("foundation", "subject").str(), "repo:o/r");
}

TEST(Environment, every_origin_has_a_host_of_its_own) {
  const auto prod = Tree().render("prod").value();
  EXPECT_EQ(prod.at("regions", "northeurope", "originHost").str(), "eun.o.example");
  EXPECT_EQ(prod.at("regions", "uksouth", "originHost").str(), "uks.o.example");
  EXPECT_FALSE(Tree().render("dev").value().at("regions", "northeurope").has("originHost"));
}

TEST(Environment, names_fit_the_shortest_limits) {
  const Tree tree;
  tree.replace("infrastructure/environments/dev.yaml", "prefix: ring", "prefix: abcdefghij");
  const auto dev = tree.render("dev").value();
  for (const char* name : {"keyVault", "queueAccount"}) {
    EXPECT_LE(dev.at("regions", "northeurope", name).str().size(), 24U);
  }
  EXPECT_LE(dev.at("foundation", "stateAccount").str().size(), 24U);
  EXPECT_LE(dev.at("global", "cosmosAccount").str().size(), 44U);
}

TEST(DocumentRule, makes_the_schema_for_editors) {
  const Value schema = editor_schema(needs_rule(), "Needs");
  EXPECT_EQ(schema.at("$schema").str(), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(to_json(schema.at("required")), R"(["apiVersion","kind"])");
  EXPECT_FALSE(schema.at("additionalProperties").bool_or(true));
  EXPECT_EQ(schema.at("properties", "calls", "items", "type").str(), "string");
  EXPECT_EQ(json_schema(environment_rule()).at("properties", "nodePools", "properties", "spot", "properties", "min"),
            Value::object({{"type", "integer"}, {"description", "Fewest nodes."}, {"minimum", 0}, {"maximum", 1000}}));
}

}  // namespace
}  // namespace fairlead::gitops
