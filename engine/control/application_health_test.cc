#include "engine/control/application_health.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace fairlead::control {
namespace {

TEST(ApplicationHealth, OfEveryKind) {
  const std::string file = FAIRLEAD_SOURCE_DIR "/engine/control/testdata/application_health.yaml";
  std::ifstream in(file);
  const auto documents = parse_yaml(std::string(std::istreambuf_iterator<char>(in), {}), file);
  ASSERT_TRUE(documents.has_value()) << documents.error().to_string();
  const api::Schema schema;
  ASSERT_FALSE(documents->front().items().empty());
  for (const Value& each : documents->front().items()) {
    const Value& object = each.at("of");
    const api::Resource* resource = schema.by_kind(object.at("apiVersion").str(), object.at("kind").str());
    ASSERT_NE(resource, nullptr) << each.error("no such kind", file).to_string();
    const Health health = health_of(*resource, object);
    const std::string_view got = health.assessed ? to_string(health.status) : "none";
    EXPECT_EQ(got, each.at("is").str()) << each.error(health.message, file).to_string();
    if (each.has("says")) EXPECT_EQ(health.message, each.at("says").str()) << each.error("", file).to_string();
  }
}

}  // namespace
}  // namespace fairlead::control
