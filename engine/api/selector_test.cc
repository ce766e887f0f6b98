#include "engine/api/selector.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace fairlead::api {
namespace {

TEST(Selector, MatchesAsKubernetesDoes) {
  const Value labels = *parse_json(R"({"app":"web","tier":"a","n":"7"})");
  struct Case {
    std::string text;
    bool matches;
    std::string canonical;
  };
  for (const Case& c : std::vector<Case>{{"", true, ""},
                                         {"app=web", true, "app=web"},
                                         {"app==web,tier!=b", true, "app=web,tier!=b"},
                                         {"tier in (b, a),app", true, "app,tier in (a,b)"},
                                         {"tier notin (a,b)", false, "tier notin (a,b)"},
                                         {"other notin (a,b)", true, "other notin (a,b)"},
                                         {"!app", false, "!app"},
                                         {"!other", true, "!other"},
                                         {"n > 6", true, "n>6"},
                                         {"n<7", false, "n<7"},
                                         {"in=x", false, "in=x"},
                                         {"app=", false, "app="}}) {
    const auto selector = Selector::parse(c.text);
    ASSERT_TRUE(selector.has_value()) << c.text << ": " << selector.error().message;
    EXPECT_EQ(selector->matches(labels), c.matches) << c.text;
    EXPECT_EQ(selector->to_string(), c.canonical);
  }
  for (const char* bad : {"=web", "app in web", "app in (a", "app=a b", "n > x", "a,,b", ","}) {
    EXPECT_FALSE(Selector::parse(bad).has_value()) << bad;
  }
}

TEST(Selector, LabelSelectorObjects) {
  EXPECT_FALSE(Selector::from_label_selector(Value())->matches(Value::object()));
  EXPECT_TRUE(Selector::from_label_selector(Value::object())->matches(Value::object()));
  const Value both = *parse_json(R"({"matchLabels":{"b":"1","a":"2"},
      "matchExpressions":[{"key":"c","operator":"Exists"},{"key":"d","operator":"NotIn","values":["x","y"]}]})");
  const auto selector = Selector::from_label_selector(both);
  ASSERT_TRUE(selector.has_value());
  EXPECT_EQ(selector->to_string(), "a=2,b=1,c,d notin (x,y)");
  EXPECT_TRUE(selector->matches(*parse_json(R"({"a":"2","b":"1","c":""})")));
  EXPECT_FALSE(Selector::from_label_selector(*parse_json(R"({"matchExpressions":[{"key":"c","operator":"Is"}]})")));
}

TEST(FieldSelector, ComparesFieldsAsText) {
  const Value pod = *parse_json(R"({"metadata":{"name":"a"},"spec":{"n":3,"b":true},"status":{"phase":"Running"}})");
  EXPECT_TRUE(FieldSelector::parse("metadata.name=a,status.phase!=Failed")->matches(pod));
  EXPECT_TRUE(FieldSelector::parse("spec.n==3,spec.b=true,spec.nodeName=")->matches(pod));
  EXPECT_FALSE(FieldSelector::parse("metadata.name!=a")->matches(pod));
  EXPECT_TRUE(FieldSelector::parse("")->selects_everything());
  EXPECT_FALSE(FieldSelector::parse("metadata.name").has_value());
}

}  // namespace
}  // namespace fairlead::api
