#include "engine/api/table.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "base/json.h"

namespace fairlead::api {
namespace {

Value recorded() {
  std::ifstream file(FAIRLEAD_SOURCE_DIR "/engine/api/testdata/tables.json");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto value = parse_json(text);
  EXPECT_TRUE(value.has_value()) << value.error().to_string();
  return value ? std::move(*value) : Value();
}

/// Ages differ in every run: "5s" becomes "AGE", as in the recording.
Value masked(Value cells) {
  static const RE2 age("(\\d+[smhdy])+");
  static const RE2 ago("\\(.* ago\\)");
  for (auto& cell : cells.mutable_items()) {
    if (!cell.is_string()) continue;
    std::string text(cell.str());
    if (RE2::FullMatch(text, age)) text = "AGE";
    RE2::Replace(&text, ago, "(AGE ago)");
    cell = text;
  }
  return cells;
}

/// testdata/tables.json holds objects and the rows that kube-apiserver 1.36.0 made of them.
TEST(Table, CellsAreThoseOfKubeApiserver) {
  const Schema schema;
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  const Value rows = recorded();
  ASSERT_GT(rows.size(), 60U);
  for (const auto& row : rows.items()) {
    const auto& tree = row.at("object");
    const Resource* resource = schema.by_kind(tree.at("apiVersion").str(), tree.at("kind").str());
    ASSERT_NE(resource, nullptr) << tree.at("kind").str();
    const Object object(*resource->storage, tree, 1);
    const TableWriter writer(*resource, "v1", IncludeObject::kNone, now);
    const Value cells = masked(writer.cells(object));
    EXPECT_EQ(to_json(cells), to_json(row.at("cells"))) << tree.at("kind").str() << " " << object.name();
    EXPECT_EQ(cells.size(), writer.columns().size());
  }
}

TEST(Table, CustomKindsFollowTheirColumns) {
  const Schema schema;
  const Resource& rollouts = schema.resource("argoproj.io", "rollouts");
  auto tree = parse_json(R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"shop"},
                             "spec":{"replicas":3},"status":{"HPAReplicas":3,"updatedReplicas":2,"availableReplicas":1}})");
  const Object object(rollouts, std::move(*tree), 7);
  const TableWriter writer(rollouts, "v1", IncludeObject::kMetadata, Time{});
  EXPECT_EQ(writer.columns()[0].name, "Name");
  const auto cells = writer.cells(object);
  EXPECT_EQ(cells[0], Value("shop"));
  EXPECT_EQ(cells[1], Value(3));
}

TEST(Table, ColumnsComeOnceAndRowsCarryMetadata) {
  const Schema schema;
  const Resource& maps = schema.resource("", "configmaps");
  auto tree = parse_json(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}})");
  const auto object = std::make_shared<const Object>(maps, std::move(*tree), 7);
  const TableWriter writer(maps, "v1", IncludeObject::kMetadata, Time{});
  std::string text;
  writer.append(text, {&object, 1}, {.revision = 9, .continue_token = "t", .remaining = 4}, false);
  const auto table = parse_json(text);
  ASSERT_TRUE(table.has_value()) << text;
  EXPECT_TRUE(table->at("columnDefinitions").is_null());
  EXPECT_EQ(table->at("metadata", "resourceVersion").str(), "9");
  EXPECT_EQ(table->at("metadata", "remainingItemCount").int_or(0), 4);
  EXPECT_EQ(table->at("rows", 0, "object", "kind").str(), "PartialObjectMetadata");
  EXPECT_EQ(table->at("rows", 0, "object", "metadata", "name").str(), "a");
  EXPECT_FALSE(table->at("rows", 0, "object").has("data"));
}

}  // namespace
}  // namespace fairlead::api
