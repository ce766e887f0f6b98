#include "engine/world/wanted_images.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace fairlead::world {
namespace {

using Set = std::set<std::string>;

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(WantedImages, AreNamedByFieldsAtAnyDepth) {
  const auto tree = parse_yaml("spec: {template: {spec: {containers: [{image: 'shop/web:1@" + kDigest +
                                   "'}, {image: shop/api}, {image: 'registry:5000/db:7'}]}}, image: {name: x}}",
                               "test");
  Set out;
  add_images(tree->front(), out);
  EXPECT_EQ(out, (Set{kDigest, "shop/api:latest", "registry:5000/db:7"}));
}

TEST(WantedImages, AreFoundInAnyText) {
  Set out;
  add_digests("image: \"shop/web@" + kDigest + "\"\nshort: sha256:abc\nsha256:", out);
  EXPECT_EQ(out, Set{kDigest});
}

}  // namespace
}  // namespace fairlead::world
