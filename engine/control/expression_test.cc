#include "engine/control/expression.h"

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace fairlead::control {
namespace {

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> fields;
  std::stringstream in(line);
  for (std::string field; std::getline(in, field, separator);) fields.push_back(field);
  return fields;
}

Value result_of(std::string text) {
  if (!text.starts_with('[')) return Value(std::stod(text));
  Value list = Value::array();
  text = text.substr(1, text.size() - 2);
  for (const std::string& each : split(text, ',')) list.push_back(Value(std::stod(each)));
  return list;
}

std::string outcome(const std::string& text, const Value& result) {
  const auto expression = Expression::parse(text);
  if (!expression) return "refused";
  const auto answer = expression->evaluate(result);
  if (!answer) return "error";
  return *answer ? "true" : "false";
}

TEST(Expression, AnswersAsUpstreamRecorded) {
  std::ifstream in(FAIRLEAD_SOURCE_DIR "/engine/control/testdata/expressions.tsv");
  ASSERT_TRUE(in.is_open());
  int rows = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# ") && !line.starts_with("# >")) continue;
    const auto fields = split(line, '\t');
    ASSERT_EQ(fields.size(), 3U) << line;
    const std::string got = outcome(fields[0], result_of(fields[1]));
    if (fields[2] == "unsupported") {
      EXPECT_EQ(got, "refused") << line;
    } else if (fields[2] == "error") {
      // Upstream compiles a condition when it evaluates it; here it may be refused already when it is admitted.
      EXPECT_TRUE(got == "error" || got == "refused") << line << " gave " << got;
    } else {
      EXPECT_EQ(got, fields[2]) << line;
    }
    ++rows;
  }
  EXPECT_GT(rows, 400);
}

TEST(Expression, RefusalsNameTheColumn) {
  const auto message = [](std::string_view text) { return Expression::parse(text).error().message; };
  EXPECT_EQ(message("result[0] matches 'a'"), "column 11: \"matches\" is not expected here");
  EXPECT_EQ(message("result[0] < sum(result)"), "column 13: the function sum is not supported in conditions");
  EXPECT_EQ(message("result[0] <"), "column 12: the condition ends too early");
  EXPECT_EQ(message("value > 1"), "column 1: \"value\" is unknown here; a condition reads `result`");
  EXPECT_EQ(message("result[0] ?? 1"), "column 11: \"??\" is not supported in conditions");
  EXPECT_EQ(message("isNaN()"), "column 1: isNaN takes 1 argument");
}

TEST(Expression, TypesAreCheckedForBothKindsOfResult) {
  const auto scalar = Expression::parse("result < 0.01");
  ASSERT_TRUE(scalar);
  EXPECT_TRUE(scalar->check(Expression::ResultKind::kNumber));
  EXPECT_EQ(scalar->check(Expression::ResultKind::kList).error().message,
            "column 8: < does not work between a list and a number");
  const auto neither = Expression::parse("result && true");
  ASSERT_TRUE(neither);
  EXPECT_FALSE(neither->check(Expression::ResultKind::kNumber));
  EXPECT_FALSE(neither->check(Expression::ResultKind::kList));
}

TEST(Expression, DepthAndLengthAreLimited) {
  EXPECT_FALSE(Expression::parse(std::string(200, '(') + "1" + std::string(200, ')')));
  EXPECT_FALSE(Expression::parse(std::string(kMaxExpressionLength + 1, ' ')));
}

}  // namespace
}  // namespace fairlead::control
