#include "engine/gitops/pin.h"

#include <gtest/gtest.h>

namespace fairlead::gitops {
namespace {

constexpr std::string_view kRendered = R"(---
# Größe
kind: Service
metadata: {name: web}
---
kind: Rollout
spec:
  template:
    spec:
      containers:
        - name: sidecar
          image: "r.example/sidecar:1"
        - {name: web, image: "r.example/web:a@sha256:00"} # ünten
)";

TEST(Pin, changes_the_bytes_of_the_image_and_no_others) {
  const auto pinned = pin_image(kRendered, "manifests.yaml", "web", "r.example/web:b@sha256:ff");
  ASSERT_TRUE(pinned) << pinned.error().to_string();
  std::string expected(kRendered);
  const std::string old = "r.example/web:a@sha256:00";
  expected.replace(expected.find(old), old.size(), "r.example/web:b@sha256:ff");
  EXPECT_EQ(*pinned, expected);
  EXPECT_EQ(pinned_image(*pinned, "manifests.yaml", "web"), "r.example/web:b@sha256:ff");
}

TEST(Pin, finds_the_top_level_image_of_a_values_file) {
  EXPECT_EQ(pin_image("# c\nimage: a/b:1\nport: 1\n", "values.yaml", "b", "a/b:2"), "# c\nimage: a/b:2\nport: 1\n");
}

TEST(Pin, says_what_is_missing_and_where) {
  const auto none = pin_image(kRendered, "manifests.yaml", "other", "x");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().to_string(), "manifests.yaml: no image field of other to pin");
  const auto folded = pin_image("image: >-\n  a/b:1\n", "values.yaml", "b", "x");
  ASSERT_FALSE(folded);
  EXPECT_EQ(folded.error().line, 1U);
}

}  // namespace
}  // namespace fairlead::gitops
