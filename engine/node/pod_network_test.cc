#include "engine/node/pod_network.h"

#include <gtest/gtest.h>

namespace fairlead::node {
namespace {

TEST(PodAddress, GoesOnInTurnAndPassesOverWhoLives) {
  EXPECT_EQ(free_pod_address(kFirstPodAddress, {}), kFirstPodAddress);
  EXPECT_EQ(free_pod_address(kFirstPodAddress + 5, {kFirstPodAddress + 5, kFirstPodAddress + 6}), kFirstPodAddress + 7);
  EXPECT_EQ(free_pod_address(kLastPodAddress, {kLastPodAddress, kFirstPodAddress}), kFirstPodAddress + 1)
      << "after the last comes the first, and it lives";
}

TEST(PodAddress, IsNoneWhereAllAreTaken) {
  std::set<Address> all;
  for (Address address = kFirstPodAddress; address <= kLastPodAddress; ++address) all.insert(address);
  EXPECT_EQ(free_pod_address(kFirstPodAddress, all), 0U);
  all.erase(kFirstPodAddress + 1);
  EXPECT_EQ(free_pod_address(kFirstPodAddress + 2, all), kFirstPodAddress + 1);
}

}  // namespace
}  // namespace fairlead::node
