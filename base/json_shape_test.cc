#include "base/json_shape.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace fairlead {
namespace {

TEST(JsonShape, DepthIsWhatTheReaderLimits) {
  EXPECT_EQ(json_shape(Value("a")).depth, 0U);
  EXPECT_EQ(json_shape(Value::object()).depth, 1U);
  EXPECT_EQ(json_shape(*parse_json(R"([1, {"a": [[]]}, {}])")).depth, 4U);
  EXPECT_EQ(json_shape(*parse_json(R"([1, {"a": [[]]}, {}])")).nodes, 6U);
  const std::string deepest = std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']');
  EXPECT_EQ(json_shape(*parse_json(deepest)).depth, kMaxJsonDepth);
}

TEST(JsonShape, CanonicalTextsAreEqualWhereValuesAre) {
  const char* const texts[] = {"1",
                               "1.0",
                               "1.5",
                               "\"1\"",
                               "null",
                               "false",
                               "[]",
                               "[1]",
                               "[[1]]",
                               "{}",
                               R"({"a":1,"b":2})",
                               R"({"b":2,"a":1.0})",
                               "\"\"",
                               R"({"a":null})",
                               "-0.0",
                               "0",
                               "1e300",
                               R"(["a","b"])",
                               R"(["b","a"])"};
  for (const char* a : texts) {
    for (const char* b : texts) {
      const Value left = *parse_json(a);
      const Value right = *parse_json(b);
      EXPECT_EQ(canonical_json(left) == canonical_json(right), left == right) << a << " and " << b;
    }
  }
}

}  // namespace
}  // namespace fairlead
