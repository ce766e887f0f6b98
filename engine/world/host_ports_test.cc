#include "engine/world/host_ports.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/testing_folder.h"

namespace fairlead::world {
namespace {

class HostPortsTest : public ::testing::Test {
 protected:
  const TemporaryFolder temporary_{"ports"};
  const std::string state_ = temporary_.path();
};

TEST_F(HostPortsTest, are_the_defaults_until_some_are_recorded) {
  EXPECT_EQ(recorded_ports(state_), HostPorts{});
  const HostPorts other{.api = 16443, .edge = 18080, .prometheus = 19090};
  ASSERT_TRUE(record_ports(state_, other));
  EXPECT_EQ(recorded_ports(state_), other);
}

TEST_F(HostPortsTest, of_a_damaged_record_are_an_error_that_names_it) {
  for (const char* text : {"", "{", R"({"api": 6443})", R"({"api": 6443, "edge": 70000, "prometheus": 9090})"}) {
    std::ofstream(state_ + "/ports.json") << text;
    const auto read = recorded_ports(state_);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().message.find("/ports.json is damaged"), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace fairlead::world
