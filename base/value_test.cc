#include "base/value.h"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

Value pod() {
  return Value::object({{"metadata", Value::object({{"name", "a"}})},
                        {"spec", Value::object({{"containers", Value::array({Value::object({{"name", "c"}})})}})}});
}

TEST(Value, ReadingIsTotal) {
  const Value v = pod();
  EXPECT_EQ(v.at("spec", "containers", 0, "name").str(), "c");
  EXPECT_TRUE(v.at("spec", "containers", 1, "name").is_null());
  EXPECT_TRUE(v.at("spec", "containers", "name", 7).is_null());
  EXPECT_TRUE(v.at("metadata", "name", "deeper").is_null());
  EXPECT_EQ(v.at("metadata").int_or(7), 7);
  EXPECT_EQ(Value("x").items().size() + Value(3).members().size() + Value().size(), 0U);
}

TEST(Value, WritingMakesTheWay) {
  Value v;
  v.make("metadata", "labels").set("app", "shop").set("tier", 1);
  v["items"].push_back(1).set_position(3, 4);
  EXPECT_EQ(v.at("metadata", "labels", "app").str(), "shop");
  EXPECT_EQ(v.at("items", 0).error("odd", "f").to_string(), "f:3:4: odd");
  EXPECT_TRUE(v.at("metadata", "labels").has("tier"));
  EXPECT_TRUE(v.find("metadata")->find("labels")->erase("tier"));
  EXPECT_FALSE(v.find("metadata")->find("labels")->erase("tier"));
}

TEST(Value, EqualityIsAboutData) {
  Value a = Value::object({{"x", 1}, {"y", Value::array({1, "z", nullptr, true})}});
  const Value b = Value::object({{"y", Value::array({1.0, "z", nullptr, true})}, {"x", 1}});
  a.set_position(9, 9);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, Value::object({{"x", 1}}));
  EXPECT_NE(Value::object({{"x", nullptr}, {"y", 1}}), Value::object({{"y", 1}, {"z", nullptr}}));
  EXPECT_NE(Value::array({1, 2}), Value::array({2, 1}));
  EXPECT_NE(Value(1), Value("1"));
  EXPECT_NE(Value(true), Value(1));
  EXPECT_NE(Value(), Value(false));
  // A double in between would make these two the same.
  EXPECT_NE(Value(9007199254740993), Value(9007199254740992));
}

TEST(Value, EqualityOfLargeObjectsDoesNotDependOnTheirOrder) {
  for (const int size : {10, 100}) {
    Value forward = Value::object();
    Value backward = Value::object();
    for (int i = 0; i < size; ++i) forward.set("key-" + std::to_string(i), i);
    for (int i = size; i-- > 0;) backward.set("key-" + std::to_string(i), i);
    EXPECT_EQ(forward, backward);
    Value other = backward;
    other.set("key-7", "other");
    EXPECT_NE(forward, other);
    other = backward;
    other.erase("key-7");
    other.set("key", 7);
    EXPECT_NE(forward, other);
    EXPECT_NE(other, forward);
  }
}

TEST(Value, CopiesShareNothing) {
  const Value original = pod();
  Value copy = original;
  copy.make("metadata", "name") = "b";
  EXPECT_EQ(original, pod());
  EXPECT_NE(original, copy);
}

}  // namespace
}  // namespace fairlead
