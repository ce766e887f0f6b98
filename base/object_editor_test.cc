#include "base/object_editor.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace fairlead {
namespace {

std::string key(int i) { return "key-" + std::to_string(i); }

Value object_of(int members) {
  Value out = Value::object();
  for (int i = 0; i < members; ++i) out.mutable_members().push_back({key(i), i});
  return out;
}

TEST(ObjectEditor, DoesWhatTheValueDoesInSmallAndLargeObjects) {
  for (const int size : {0, 1, 15, 16, 17, 40}) {
    Value edited = object_of(size);
    Value plain = edited;
    {
      ObjectEditor editor(edited);
      const auto set = [&](int i, Value value) {
        editor[key(i)] = value;
        plain.set(key(i), value);
      };
      const auto erase = [&](int i) {
        editor.erase(key(i));
        plain.erase(key(i));
      };
      erase(0);
      erase(0);
      erase(3);
      set(5, "five");
      set(100, "new");
      set(0, "back");
      erase(100);
      for (int i = 200; i < 220; ++i) set(i, i);
      set(100, "again");
      erase(210);
      EXPECT_EQ(editor.find(key(210)), nullptr);
      EXPECT_EQ(editor.find(key(3)), nullptr);
      ASSERT_NE(editor.find(key(100)), nullptr);
      EXPECT_EQ(*editor.find(key(100)), Value("again"));
    }
    EXPECT_EQ(to_json(edited), to_json(plain)) << size << " members";
  }
}

TEST(ObjectEditor, NullBecomesAnObject) {
  Value value;
  ObjectEditor editor(value);
  editor["a"] = 1;
  EXPECT_EQ(to_json(value), R"({"a":1})");
}

TEST(ObjectEditor, DoesNotLookAtEveryMemberForEveryKey) {
  constexpr int kMany = 10'000;
  Value value = object_of(kMany);
  ObjectEditor editor(value);
  for (int i = 0; i < kMany; ++i) {
    editor[key(kMany + i)] = i;
    editor.erase(key(i));
  }
  EXPECT_LT(editor.work(), std::size_t{10} * kMany);
}

}  // namespace
}  // namespace fairlead
