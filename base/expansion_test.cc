#include "base/expansion.h"

#include <gtest/gtest.h>

#include <map>

namespace fairlead {
namespace {

TEST(Expansion, ReplacesWhatItKnowsAndLeavesTheRest) {
  const std::map<std::string, std::string, std::less<>> known = {{"A", "one"}, {"B", "$(A)"}, {"EMPTY", ""}};
  const auto find = [&](std::string_view name) {
    const auto found = known.find(name);
    return found == known.end() ? nullptr : &found->second;
  };
  const std::map<std::string, std::string> cases = {
      {"", ""},           {"plain", "plain"},        {"$(A)", "one"},        {"x$(A)y$(A)", "xoneyone"},
      {"$(B)", "$(A)"},   {"[$(EMPTY)]", "[]"},      {"$(NONE)", "$(NONE)"}, {"$$(A)", "$(A)"},
      {"$$$(A)", "$one"}, {"$$$$(A)", "$$(A)"},      {"$A $", "$A $"},       {"$(A", "$(A"},
      {"$()", "$()"},     {"cost: $$5", "cost: $5"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(expand(text, find), expected) << text;
}

}  // namespace
}  // namespace fairlead
