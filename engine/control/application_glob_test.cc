#include "engine/control/application_glob.h"

#include <gtest/gtest.h>

namespace fairlead::control {
namespace {

TEST(ApplicationGlob, AsGobwas) {
  EXPECT_TRUE(glob_matches("*", "a/b"));
  EXPECT_FALSE(glob_matches("*", "a/b", "/"));
  EXPECT_TRUE(glob_matches("https://host/*", "https://host/a", "/"));
  EXPECT_FALSE(glob_matches("https://host/*", "https://host/a/b", "/"));
  EXPECT_TRUE(glob_matches("https://host/**", "https://host/a/b", "/"));
  EXPECT_FALSE(glob_matches("a?c", "a/c", "/"));
  EXPECT_TRUE(glob_matches("sh[oa]p-[0-9]", "shop-7"));
  EXPECT_FALSE(glob_matches("[!a-c]x", "bx"));
  EXPECT_TRUE(glob_matches("[!abc]x", "dx"));
  EXPECT_TRUE(glob_matches("{dev,{qa,prod}-*}", "prod-west"));
  EXPECT_FALSE(glob_matches("{dev,qa}", "prod"));
  EXPECT_TRUE(glob_matches("{,a}b", "b"));
  EXPECT_TRUE(glob_matches("\\*", "*"));
  EXPECT_FALSE(glob_matches("\\*", "a"));
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_FALSE(glob_matches("", "a"));
}

TEST(ApplicationGlob, BrokenOnesMatchNothing) {
  for (const char* broken : {"[a-z", "[a-z0]", "{a,b", "a\\", "[]"})
    EXPECT_FALSE(glob_matches(broken, broken)) << broken;
  std::string many;
  for (int i = 0; i < 12; ++i) many += "{a,b}";
  EXPECT_FALSE(glob_matches(many, std::string(12, 'a')));
}

TEST(ApplicationGlob, Denials) {
  EXPECT_FALSE(glob_allows("!kube-*", "kube-system"));
  EXPECT_TRUE(glob_allows("!kube-*", "shop"));
  EXPECT_FALSE(glob_matches("!kube-*", "shop"));
}

TEST(ApplicationGlob, AsFilepathMatch) {
  EXPECT_TRUE(file_glob_matches("*.k8s.io", "networking.k8s.io"));
  EXPECT_TRUE(file_glob_matches("[^a-cx]*", "Pod"));
  EXPECT_FALSE(file_glob_matches("[^A-Cx-zP]*", "Pod"));
  EXPECT_FALSE(file_glob_matches("{Pod,Job}", "Pod"));
}

}  // namespace
}  // namespace fairlead::control
