#include "engine/world/system_objects.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/api/journal.h"

namespace fairlead::world {
namespace {

class SystemObjectsTest : public ::testing::Test {
 protected:
  static Value config_map(std::string_view text) {
    auto out = parse_json(text);
    EXPECT_TRUE(out.has_value());
    return out.value_or(Value());
  }

  api::Schema schema_;
  std::unique_ptr<api::Journal> journal_ = api::memory_journal();
  api::Store store_{schema_, *journal_};
  seam::ManualClock clock_{Time(Duration(0))};
  api::Api api_{schema_, store_, clock_, 7};
};

TEST_F(SystemObjectsTest, have_their_ports_on_the_host) {
  std::vector<std::int64_t> found;
  for (const Value& object : system_objects({.api = 1, .edge = 2, .prometheus = 3})) {
    const Value& port = object.at("spec", "template", "spec", "containers", 0, "ports", 0, "hostPort");
    if (!port.is_null()) found.push_back(port.int_or(0));
  }
  EXPECT_EQ(found, (std::vector<std::int64_t>{2, 3}));
}

TEST_F(SystemObjectsTest, what_is_stored_and_no_longer_valid_is_named_with_the_way_out) {
  const api::Resource& maps = schema_.resource("", "configmaps");
  store_.put({&maps, "gateway", "edge"}, config_map(R"({"apiVersion":"v1","kind":"ConfigMap",
    "metadata":{"name":"edge","namespace":"gateway","uid":"u","labels":{"no label!":"x"}}})"));
  const auto applied = apply_object(api_, config_map(R"({"apiVersion":"v1","kind":"ConfigMap",
    "metadata":{"name":"edge","namespace":"gateway"},"data":{"a":"b"}})"),
                                    "edge.yaml");
  ASSERT_FALSE(applied);
  for (const char* part : {"configmaps gateway/edge as .fairlead stores it is refused: ", "no label!",
                           "`fairlead down`, remove .fairlead"}) {
    EXPECT_NE(applied.error().message.find(part), std::string::npos) << part << " in " << applied.error().message;
  }
}

}  // namespace
}  // namespace fairlead::world
