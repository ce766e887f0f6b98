#include "base/json.h"

#include <limits>

#include <gtest/gtest.h>

#include "base/json_duplicates.h"
#include "base/json_error.h"
#include "base/testdata.h"
#include "base/utf8.h"

namespace fairlead {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, Behaviours) {
  for (const TestCase& test : read_test_cases(FAIRLEAD_SOURCE_DIR "/base/testdata/json.txt")) {
    std::string_view input = test.input;
    input.remove_suffix(1);  // The newline that ends the input's last line is not part of it.
    const auto value = parse_json(input, "f.json");
    EXPECT_EQ(value.has_value(), !test.is_error) << test.where;
    EXPECT_EQ(value ? to_json(*value) : value.error().to_string(), test.expected) << test.where;
  }
}

TEST(Json, DepthIsLimited) {
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  const auto deep = parse_json(nested(kMaxJsonDepth + 1), "deep.json");
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().to_string(), "deep.json:1:101: nested deeper than 100 levels");
  EXPECT_FALSE(parse_json(std::string(5'000'000, '[')));
}

TEST(Json, InvalidUtf8NamesItsPlace) {
  const auto value = parse_json("{\n \"a\": \"\xC3\x28\"}", "f.json");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().to_string(), "f.json:2:8: invalid UTF-8");
  EXPECT_FALSE(parse_json("\"\xED\xA0\x80\""));
  EXPECT_FALSE(parse_json("\"\xC0\xAF\""));
}

TEST(Json, ZeroBytesAreErrorsAndSurviveInStrings) {
  using namespace std::string_literals;
  EXPECT_FALSE(parse_json("1\0"s));
  EXPECT_EQ(to_json(Value("a\0b"s)), R"("a\u0000b")");
  EXPECT_EQ(parse_json(R"("a\u0000b")")->str(), "a\0b"s);
}

TEST(Json, NumbersThatJsonCannotHoldAreNull) {
  EXPECT_EQ(to_json(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(to_json(std::numeric_limits<double>::quiet_NaN()), "null");
}

TEST(Json, PrettyIsTheSameTree) {
  const Value value = Value::object({{"a", Value::array({1, Value::object()})}, {"b", Value::array()}, {"c", "x"}});
  EXPECT_EQ(to_pretty_json(value), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": [],\n  \"c\": \"x\"\n}");
  EXPECT_EQ(*parse_json(to_pretty_json(value)), value);
}

TEST(Json, KeysGivenTwiceCanBeTold) {
  std::vector<std::string> twice;
  const auto value = parse_json_last_wins(
      R"({"a":1,"b":[{"c":1},{"c":1,"d":2,"c":3,"c":4}],"a":{"x":1,"x":2},"e":{"f.g":0,"f.g":1}})", twice);
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(*value, *parse_json(R"({"a":{"x":2},"b":[{"c":1},{"c":4,"d":2}],"e":{"f.g":1}})"));
  EXPECT_EQ(twice, (std::vector<std::string>{"a", "a.x", "b[1].c", "e.f.g"}));
  twice.clear();
  EXPECT_EQ(parse_json_last_wins(R"({"a":[1]})", twice).value(), *parse_json(R"({"a":[1]})"));
  EXPECT_FALSE(parse_json_last_wins(R"({"a":1,"a":)", twice).has_value());
  EXPECT_TRUE(twice.empty());
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) many += fmt::format("{}\"k{}\":0", i == 0 ? "" : ",", i / 2);
  EXPECT_TRUE(parse_json_last_wins(many + "}", twice).has_value());
  EXPECT_EQ(twice.size(), kMaxDuplicateKeys);
}

TEST(Json, LargeTextsDoNotShareAParser) {
  Value value;
  for (int i = 0; i < 50'000; ++i) value.push_back(Value::object({{"number", i}}));
  const std::string text = to_json(value);
  EXPECT_GT(text.size(), std::size_t{256} << 10);
  EXPECT_EQ(*parse_json(text), value);
}

TEST(Json, TheSecondLookAcceptsWhatIsRight) {
  EXPECT_FALSE(find_json_error(R"( {"a": [1, -2.5e-3, "\u00e9\ud83d\ude00", true, false, null], "b": {}} )", "f"));
}

TEST(JsonWrite, WhatIsNotUtf8IsReplacedSoThatItCanBeReadBack) {
  for (const auto& [bytes, text] :
       std::vector<std::pair<std::string, std::string>>{{"a\xff\xfe z", R"("a\ufffd\ufffd z")"},
                                                        {"\xed\xa0\x80", R"("\ufffd\ufffd\ufffd")"},
                                                        {"\xe2\x82", R"("\ufffd\ufffd")"},
                                                        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""}}) {
    EXPECT_EQ(to_json(Value(bytes)), text);
    EXPECT_EQ(parse_json(to_json(Value(bytes))).value(), Value(to_valid_utf8(bytes)));
  }
}

}  // namespace
}  // namespace fairlead
