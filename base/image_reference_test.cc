#include "base/image_reference.h"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(ImageReference, ComesApart) {
  struct Case {
    std::string_view text, name, tag, digest;
  };
  for (const Case& test : {Case{"nginx", "nginx", "", ""}, Case{"nginx:1.27", "nginx", "1.27", ""},
                           Case{"localhost:5000/a/b", "localhost:5000/a/b", "", ""},
                           Case{"localhost:5000/a/b:v1", "localhost:5000/a/b", "v1", ""},
                           Case{"r.example/a/b:tag@sha256:12", "r.example/a/b", "tag", "sha256:12"},
                           Case{"r.example/a@sha256:12", "r.example/a", "", "sha256:12"}, Case{"", "", "", ""}}) {
    const ImageReference reference = ImageReference::parse(test.text);
    EXPECT_EQ(reference.name, test.name) << test.text;
    EXPECT_EQ(reference.tag, test.tag) << test.text;
    EXPECT_EQ(reference.digest, test.digest) << test.text;
  }
}

TEST(ImageReference, DigestsAreWholeAndLowerCase) {
  const std::string digits(64, 'a');
  EXPECT_TRUE(is_image_digest("sha256:" + digits));
  EXPECT_FALSE(is_image_digest("sha256:" + digits + "a"));
  EXPECT_FALSE(is_image_digest("sha256:" + digits.substr(1) + "A"));
  EXPECT_FALSE(is_image_digest("sha512:" + digits));
  EXPECT_FALSE(is_image_digest(""));
}

}  // namespace
}  // namespace fairlead
