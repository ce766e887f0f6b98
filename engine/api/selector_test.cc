#include "engine/api/selector.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/api/field_labels.h"
#include "engine/api/schema.h"

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
  for (const char* bad : {"=web", "app in web", "app in (a", "app=a b", "n > x", "a,,b", ",", "a=((((", "a=b/c", "a//b",
                          "-a", "a in (-b)"}) {
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

TEST(FieldLabels, AreThoseThatTheKindHas) {
  const Schema schema;
  const auto read = [&](std::string_view group, std::string_view plural, std::string_view text) {
    const auto selector = read_field_selector(schema.resource(group, plural), text);
    return selector ? std::string("fine") : selector.error().message;
  };
  EXPECT_EQ(read("", "pods", "spec.nodeName=a,status.phase!=Failed,metadata.name=b"), "fine");
  EXPECT_EQ(read("", "pods", "spec.nope=a"), "field label not supported: spec.nope");
  EXPECT_EQ(read("apps", "deployments", "spec.replicas=1"),
            "\"spec.replicas\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
  EXPECT_EQ(read("argoproj.io", "rollouts", "spec.replicas=1"), "field label not supported: spec.replicas");
  EXPECT_EQ(read("batch", "jobs", "x=1"), "field label \"x\" not supported for Job");
}

TEST(FieldLabels, LookWhereTheFieldIsStored) {
  const Schema schema;
  const auto matches = [&](std::string_view plural, std::string_view text, const Value& object) {
    return read_field_selector(schema.resource("", plural), text)->matches(object);
  };
  const Value event = Value::object({{"source", Value::object({{"component", "scheduler"}})}});
  EXPECT_TRUE(matches("events", "source=scheduler", event));
  EXPECT_TRUE(matches("nodes", "spec.unschedulable=false", Value::object()));
  EXPECT_FALSE(matches("nodes", "spec.unschedulable=true", Value::object()));
}

}  // namespace
}  // namespace fairlead::api
