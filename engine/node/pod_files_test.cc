#include "engine/node/pod_files.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace fairlead::node {
namespace {

std::int64_t size(const std::string& spec, const std::string& volume) {
  const auto pod = parse_yaml("spec: " + spec, "pod");
  const auto tree = parse_yaml("emptyDir: " + volume, "volume");
  return memory_volume_size(pod->front(), tree->front());
}

constexpr std::int64_t kMebi = std::int64_t{1} << 20;

TEST(MemoryVolume, IsAsLargeAsItSaysOrAsThePodMayBe) {
  const std::string unlimited = "{containers: [{name: a}]}";
  const std::string limited =
      "{containers: [{resources: {limits: {memory: 64Mi}}}, {resources: {limits: {memory: 32Mi}}}]}";
  EXPECT_EQ(size(unlimited, "{medium: Memory}"), 0) << "nobody says: the kernel's half of the machine";
  EXPECT_EQ(size(unlimited, "{medium: Memory, sizeLimit: 8Mi}"), 8 * kMebi);
  EXPECT_EQ(size(limited, "{medium: Memory}"), 96 * kMebi);
  EXPECT_EQ(size(limited, "{medium: Memory, sizeLimit: 8Mi}"), 8 * kMebi);
  EXPECT_EQ(size(limited, "{medium: Memory, sizeLimit: 1Gi}"), 96 * kMebi);
}

TEST(MemoryVolume, KnowsAPodsLimitOnlyWhereEveryContainerHasOne) {
  EXPECT_EQ(size("{containers: [{resources: {limits: {memory: 64Mi}}}, {name: b}]}", "{medium: Memory}"), 0);
  EXPECT_EQ(size("{resources: {limits: {memory: 16Mi}}, containers: [{name: a}]}", "{medium: Memory}"), 16 * kMebi);
  // An init container runs beside the sidecars before it, never beside the main containers.
  EXPECT_EQ(size("{initContainers: [{restartPolicy: Always, resources: {limits: {memory: 10Mi}}}, "
                 "{resources: {limits: {memory: 100Mi}}}], containers: [{resources: {limits: {memory: 20Mi}}}]}",
                 "{medium: Memory}"),
            110 * kMebi);
}

}  // namespace
}  // namespace fairlead::node
