#include "engine/api/json_patch.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/api/merge_patch.h"

namespace fairlead::api {
namespace {

struct Case {
  const char* before;
  const char* patch;
  const char* after;  // Null: the patch fails.
};

// The examples of RFC 6902, appendix A, and of RFC 6901.
TEST(JsonPatch, FollowsItsRfc) {
  for (const Case& c : std::vector<Case>{
           {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])", R"({"baz":"qux","foo":"bar"})"},
           {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
            R"({"foo":["bar","qux","baz"]})"},
           {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
           {R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])", R"({"foo":["bar","baz"]})"},
           {R"({"baz":"qux"})", R"([{"op":"replace","path":"/baz","value":"boo"}])", R"({"baz":"boo"})"},
           {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
            R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
            R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
           {R"({"foo":["all","grass","cows","eat"]})", R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
            R"({"foo":["all","cows","eat","grass"]})"},
           {R"({"baz":"qux","foo":["a",2,"c"]})",
            R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
            R"({"baz":"qux","foo":["a",2,"c"]})"},
           {R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])", nullptr},
           {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
            R"({"foo":"bar","child":{"grandchild":{}}})"},
           {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz/bat","value":"qux"}])", nullptr},
           {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])", R"({"/":9,"~1":10})"},
           {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
            R"({"foo":["bar",["abc","def"]]})"},
           {R"({"a":1})", R"([{"op":"copy","from":"/a","path":"/b"}])", R"({"a":1,"b":1})"},
           {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/b"}])", nullptr},
           {R"({"a":[1]})", R"([{"op":"add","path":"/a/3","value":1}])", nullptr},
           {R"({"a":1})", R"([{"op":"add","path":"/b"}])", nullptr},
           {R"({"a":1})", R"([{"op":"spell","path":"/b"}])", nullptr},
           {R"({"a":1})", R"({"op":"remove","path":"/a"})", nullptr},
           {R"({"a":1})", R"([{"op":"add","path":"","value":{"b":2}}])", R"({"b":2})"}}) {
    const auto out = json_patch(*parse_json(c.before), *parse_json(c.patch));
    ASSERT_EQ(out.has_value(), c.after != nullptr) << c.patch;
    if (out) {
      EXPECT_EQ(*out, *parse_json(c.after)) << c.patch << " gave " << to_json(*out);
    }
  }
}

// What evanphx/json-patch v4 takes besides, and with it kube-apiserver.
TEST(JsonPatch, GoesBeyondItsRfcWhereUpstreamDoes) {
  for (const Case& c :
       std::vector<Case>{{R"({"a":1})", R"([{"op":"replace","path":"/b","value":2}])", R"({"a":1,"b":2})"},
                         {R"({"a":1})", R"([{"op":"replace","path":"/b/c","value":2}])", nullptr},
                         {R"({"a":[1]})", R"([{"op":"replace","path":"/a/1","value":2}])", nullptr},
                         {R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/-1","value":3}])", R"({"a":[1,3]})"},
                         {R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/-3","value":3}])", nullptr},
                         {R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-2"}])", R"({"a":[2]})"},
                         {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-1","value":3}])", R"({"a":[1,2,3]})"},
                         {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-3","value":3}])", R"({"a":[3,1,2]})"},
                         {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-4","value":3}])", nullptr},
                         {R"({"a":[1,2]})", R"([{"op":"test","path":"/a/-1","value":2}])", R"({"a":[1,2]})"},
                         {R"({"a":[{"b":1}]})", R"([{"op":"remove","path":"/a/-1/b"}])", R"({"a":[{}]})"},
                         {R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/01","value":3}])", R"({"a":[1,3]})"},
                         {R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/+1","value":3}])", R"({"a":[1,3]})"},
                         {R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/+-1","value":3}])", nullptr}}) {
    const auto out = json_patch(*parse_json(c.before), *parse_json(c.patch));
    ASSERT_EQ(out.has_value(), c.after != nullptr) << c.patch;
    if (out) {
      EXPECT_EQ(*out, *parse_json(c.after)) << c.patch << " gave " << to_json(*out);
    }
  }
}

/// What `patch` says when it fails on `target`.
std::string refusal(const Value& target, const Value& patch) {
  const auto out = json_patch(target, patch);
  return out ? "accepted" : out.error().to_string();
}

Value operation(const char* op, const std::string& path, const std::string& from, Value value) {
  return Value::object({{"op", op}, {"path", path}, {"from", from}, {"value", std::move(value)}});
}

TEST(JsonPatch, AMissingMemberIsNullForATest) {
  const Value target = Value::object({{"a", nullptr}, {"b", 1}, {"l", Value::array()}});
  for (const char* path : {"/a", "/c"}) {
    EXPECT_EQ(refusal(target, Value::array({operation("test", path, "", {})})), "accepted") << path;
    EXPECT_NE(refusal(target, Value::array({operation("test", path, "", 1)})), "accepted") << path;
  }
  for (const char* path : {"/b", "/c/d", "/l/0", "/b/c"}) {
    EXPECT_NE(refusal(target, Value::array({operation("test", path, "", {})})), "accepted") << path;
  }
}

TEST(JsonPatch, CopiesAreCountedByTheByte) {
  const Value target = Value::object({{"a", std::string(1'000'000, 'x')}});
  Value patch = Value::array();
  for (int i = 0; i < 3; ++i) patch.push_back(operation("copy", "/b" + std::to_string(i), "/a", {}));
  EXPECT_EQ(refusal(target, patch), "accepted");
  patch.push_back(operation("copy", "/b3", "/a", {}));
  EXPECT_EQ(
      refusal(target, patch),
      "Unable to complete the copy, the accumulated size increase of copy is 4000008, exceeding the limit 3145728");
  Value doubling = Value::array();  // 2 KB that would be a terabyte.
  for (int i = 0; i < 40; ++i) doubling.push_back(operation("copy", "/z" + std::to_string(i), "", {}));
  EXPECT_TRUE(refusal(Value::object({{"a", "b"}}), doubling).starts_with("Unable to complete the copy"));
}

Value nested(std::size_t levels) {
  Value out;
  for (std::size_t i = 0; i < levels; ++i) out = Value::object({{"n", std::move(out)}});
  return out;
}

TEST(JsonPatch, TheResultIsNoDeeperThanTheReaderReads) {
  const Value target = Value::object({{"x", nested(60)}, {"y", Value::object()}});
  const std::string deep = "makes the object nested deeper than 100 levels";
  std::string to = "/x";
  for (int i = 0; i < 39; ++i) to += "/n";
  for (const char* op : {"copy", "add", "replace"}) {
    EXPECT_EQ(refusal(target, Value::array({operation(op, to, "/x", nested(60))})), "accepted") << op;
    EXPECT_NE(refusal(target, Value::array({operation(op, to + "/n", "/x", nested(60))})).find(deep), std::string::npos)
        << op;
  }
  Value higher = target;
  higher.set("y", nested(60));
  EXPECT_NE(refusal(higher, Value::array({operation("move", to + "/n", "/y", {})})).find(deep), std::string::npos);
  Value doubling = Value::array();
  for (int i = 0; i < 20; ++i) {
    std::string inside = "/x";
    for (int level = 0; level < 1 << i; ++level) inside += "/n";
    doubling.push_back(operation("copy", inside, "/x", {}));
  }
  EXPECT_NE(refusal(Value::object({{"x", nested(1)}}), doubling).find(deep), std::string::npos);
}

TEST(JsonPatch, ElementsLookedAtOrMovedAreCounted) {
  Value list = Value::array();
  for (int i = 0; i < 50'000; ++i) list.push_back(i);
  Value object = Value::object();
  for (int i = 0; i < 50'000; ++i) object.mutable_members().push_back({"k" + std::to_string(i), i});
  const Value target = Value::object({{"list", std::move(list)}, {"object", std::move(object)}});
  for (const Value& one : {operation("add", "/list/0", "", 1), operation("remove", "/list/0", "", {}),
                           operation("replace", "/object/k49999", "", 1), operation("add", "/object/n", "", 1),
                           operation("move", "/list/0", "/list/1", {}), operation("test", "/object/k9", "", 9)}) {
    Value patch = Value::array();
    for (int i = 0; i < 9'000; ++i) patch.push_back(one);
    EXPECT_TRUE(refusal(target, patch).starts_with("the operations of this JSON patch look at or move over 20000000"))
        << to_json(one);
  }
  Value few = Value::array();
  for (int i = 0; i < 200; ++i) few.push_back(operation("add", "/list/0", "", 1));
  EXPECT_EQ(refusal(target, few), "accepted");
  Value appended = Value::array();
  for (int i = 0; i < 10'000; ++i) appended.push_back(operation("add", "/list/-", "", 1));
  EXPECT_EQ(refusal(target, appended), "accepted");
  appended.push_back(operation("add", "/list/-", "", 1));
  EXPECT_EQ(refusal(target, appended), "a JSON patch may hold at most 10000 operations, this one has 10001");
}

// The examples of RFC 7386, appendix A.
TEST(MergePatch, FollowsItsRfc) {
  for (const Case& c : std::vector<Case>{{R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
                                         {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
                                         {R"({"a":"b"})", R"({"a":null})", R"({})"},
                                         {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
                                         {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
                                         {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
                                         {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
                                         {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
                                         {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
                                         {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
                                         {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
                                         {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
                                         {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}}) {
    EXPECT_EQ(merge_patch(*parse_json(c.before), *parse_json(c.patch)), *parse_json(c.after)) << c.patch;
  }
}

TEST(MergePatch, ManyMembersAreOrderedAsFewAre) {
  Value target = Value::object();
  Value patch = Value::object();
  Value expected = Value::object();
  for (int i = 0; i < 60'000; ++i) {
    const std::string key = "k" + std::to_string(i);
    target.mutable_members().push_back({key, i});
    if (i % 3 == 0) patch.mutable_members().push_back({key, nullptr});
    if (i % 3 == 1) patch.mutable_members().push_back({key, "changed"});
    if (i % 3 != 0) expected.mutable_members().push_back({key, i % 3 == 1 ? Value("changed") : Value(i)});
  }
  for (int i = 0; i < 60'000; ++i) {
    patch.mutable_members().push_back({"n" + std::to_string(i), i});
    expected.mutable_members().push_back({"n" + std::to_string(i), i});
  }
  EXPECT_EQ(to_json(merge_patch(std::move(target), patch)), to_json(expected));
}

}  // namespace
}  // namespace fairlead::api
