#include "base/yaml.h"

#include <chrono>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/testdata.h"

namespace fairlead {
namespace {

std::string outcome(const Result<std::vector<Value>>& documents) {
  if (!documents) return documents.error().to_string();
  std::string out;
  for (const Value& document : *documents) out += (out.empty() ? "" : "\n") + to_json(document);
  return out;
}

TEST(Yaml, Behaviours) {
  for (const TestCase& test : read_test_cases(FAIRLEAD_SOURCE_DIR "/base/testdata/yaml.txt")) {
    const auto documents = parse_yaml(test.input, "f.yaml");
    EXPECT_EQ(documents.has_value(), !test.is_error) << test.where;
    EXPECT_EQ(outcome(documents), test.expected) << test.where;
  }
}

TEST(Yaml, Writes) {
  for (const TestCase& test : read_test_cases(FAIRLEAD_SOURCE_DIR "/base/testdata/yaml_write.txt")) {
    const auto value = parse_json(test.input);
    ASSERT_TRUE(value) << test.where << value.error().to_string();
    EXPECT_EQ(to_yaml(*value), test.expected + "\n") << test.where;
    const auto again = parse_yaml(to_yaml(*value), "again.yaml");
    ASSERT_TRUE(again) << test.where << again.error().to_string();
    ASSERT_EQ(again->size(), 1U) << test.where;
    EXPECT_EQ(again->front(), *value) << test.where;
  }
}

TEST(Yaml, LongKeysAreWrittenSoThatTheyCanBeRead) {
  const std::string key(2'000, 'k');
  for (const Value& inner : {Value(1), Value::array({1, 2}), Value::object({{"a", 1}}), Value("x\ny\n")}) {
    const Value value = Value::object({{key, inner}, {"b", 2}});
    const auto again = parse_yaml(to_yaml(value), "f.yaml");
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(again->front(), value);
  }
}

TEST(Yaml, ValuesKnowWhereTheyStood) {
  const auto documents = parse_yaml("a: 1\nb:\n  - x\n  -  c: &n é\n     d: *n\n", "f.yaml");
  ASSERT_TRUE(documents);
  const Value& root = documents->front();
  const auto position = [](const Value& v) { return std::pair(v.line(), v.column()); };
  EXPECT_EQ(position(root), std::pair(1U, 1U));
  EXPECT_EQ(position(root.at("a")), std::pair(1U, 4U));
  EXPECT_EQ(position(root.at("b")), std::pair(3U, 3U));
  EXPECT_EQ(position(root.at("b", 1, "c")), std::pair(4U, 9U));
  EXPECT_EQ(position(root.at("b", 1, "d")), std::pair(5U, 9U));
}

TEST(Yaml, DepthIsLimited) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_yaml(nested(kMaxYamlDepth), "f.yaml"));
  const auto deep = parse_yaml(nested(kMaxYamlDepth + 1), "f.yaml");
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().to_string(), "f.yaml:1:101: nested deeper than 100 levels");
  // Nesting that only an alias makes too deep.
  const std::string half = nested(60);
  const std::string by_alias = "- &a " + half + "\n- " + std::string(60, '[') + "*a" + std::string(60, ']') + "\n";
  const auto aliased = parse_yaml(by_alias, "f.yaml");
  ASSERT_FALSE(aliased);
  EXPECT_EQ(aliased.error().to_string(), "f.yaml:2:63: nested deeper than 100 levels");
}

TEST(Yaml, HostileNestingIsRefusedQuickly) {
  for (const std::string piece : {"[", "{a: ", "- ", "? ", "[{", "{? "}) {
    std::string text;
    while (text.size() < 300'000) text += piece;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(parse_yaml(text, "f.yaml")) << piece;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2)) << piece;
  }
}

TEST(Yaml, AliasBombsAreRefused) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    laughs +=
        fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  const auto bomb = parse_yaml(laughs, "f.yaml");
  ASSERT_FALSE(bomb);
  EXPECT_TRUE(bomb.error().to_string().ends_with("more than 2000000 values")) << bomb.error().to_string();
  EXPECT_EQ(bomb.error().file, "f.yaml");
  EXPECT_GT(bomb.error().line, 1U);

  std::string fat = "t: &t " + std::string(1 << 20, 'x') + "\nl:\n";
  for (int i = 0; i < 100; ++i) fat += "- *t\n";
  const auto expanded = parse_yaml(fat, "f.yaml");
  ASSERT_FALSE(expanded);
  EXPECT_TRUE(expanded.error().to_string().ends_with("more than 64 MiB of text"));
}

TEST(Yaml, BytesThatAreNotTextNameTheirPlace) {
  using namespace std::string_literals;
  EXPECT_EQ(outcome(parse_yaml("a: 1\nb: \xFF\n", "f.yaml")), "f.yaml:2:4: invalid UTF-8");
  EXPECT_EQ(outcome(parse_yaml("a: 1\nb: \x01\n", "f.yaml")), "f.yaml:2:4: control characters are not allowed");
  EXPECT_FALSE(parse_yaml("a: b\0c"s, "f.yaml"));
}

TEST(Yaml, LargeMapsAreNotQuadratic) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += fmt::format("key{}: {}\n", i, i);
  const auto start = std::chrono::steady_clock::now();
  const auto documents = parse_yaml(text, "f.yaml");
  ASSERT_TRUE(documents);
  EXPECT_EQ(documents->front().size(), 100'000U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace fairlead
