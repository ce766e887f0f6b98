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
           {R"({"a":[1]})", R"([{"op":"replace","path":"/a/01","value":1}])", nullptr},
           {R"({"a":1})", R"([{"op":"replace","path":"/b","value":1}])", nullptr},
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

}  // namespace
}  // namespace fairlead::api
