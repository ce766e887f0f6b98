#include "engine/gitops/node_pool_checks.h"

#include <charconv>
#include <optional>

namespace fairlead::gitops {
namespace {

using Errors = std::vector<Error>;

constexpr std::int64_t kProdSystemNodes = 2;
constexpr int kProdSystemCores = 4;
constexpr int kSystemCores = 2;
constexpr std::string_view kStandard = "Standard_";

/// The family's letters in "Standard_D4ds_v5": "D".
std::string_view family_of(std::string_view size) {
  size.remove_prefix(kStandard.size());
  return size.substr(0, size.find_first_of("0123456789"));
}

/// The cores that a size names: the last number before its features ("E4-2ds_v5" has two). Nothing for sizes before
/// version 3, which count otherwise.
std::optional<int> cores_of(std::string_view size) {
  const std::size_t version = size.rfind("_v");
  if (version == std::string_view::npos || size.substr(version) < "_v3") return std::nullopt;
  std::string_view digits = size.substr(kStandard.size() + family_of(size).size());
  digits = digits.substr(0, digits.find_first_not_of("0123456789-"));
  digits.remove_prefix(digits.find('-') + 1);
  int cores = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), cores);
  return cores;
}

void check_system(const EnvironmentSources& sources, const Value& pool, Errors& errors) {
  const auto report = [&](const char* key, const std::string& message) {
    errors.push_back(sources.own.error(pool.at(key), message));
  };
  const bool prod = sources.at_own("environment").at("class").str() == "prod";
  const std::string_view size = pool.at("size").str();
  if (pool.at("priority").str() == "Spot") {
    report("priority", "nodePools.system cannot be Spot: the cluster would go with its nodes");
  }
  if (pool.at("min").int_or(0) < 1) {
    report("min", "nodePools.system.min must be at least 1: system pods need a node");
  } else if (prod && pool.at("min").int_or(0) < kProdSystemNodes) {
    report("min", fmt::format("class prod wants nodePools.system.min {} or more", kProdSystemNodes));
  }
  const int least = prod ? kProdSystemCores : kSystemCores;
  if (family_of(size).starts_with('B')) {
    report("size", fmt::format("nodePools.system.size is {}; AKS takes no B series for system pods", size));
  } else if (cores_of(size).value_or(least) < least) {
    report("size", fmt::format("nodePools.system.size is {}; it needs {} cores", size, least));
  }
}

void check_pool(const EnvironmentSources& sources, const Member& pool, Errors& errors) {
  const auto report = [&](const char* key, const std::string& message) {
    errors.push_back(sources.own.error(pool.value.at(key), message));
  };
  const bool spot = pool.value.at("priority").str() == "Spot";
  if (pool.value.at("min").int_or(0) > pool.value.at("max").int_or(0)) {
    report("min", fmt::format("nodePools.{}.min is more than its max", pool.key));
  }
  if (pool.key == "workload" && spot) {
    report("priority",
           "nodePools.workload cannot be Spot: services need nodes that stay; nodePools.spot is for the rest");
  }
  if (pool.key == "spot" && !spot) report("priority", "nodePools.spot.priority must be Spot");
  if (spot && pool.value.has("maxSurge")) {
    report("maxSurge", fmt::format("nodePools.{} is Spot: such pools take no maxSurge", pool.key));
  }
}

}  // namespace

void check_node_pools(const EnvironmentSources& sources, std::vector<Error>& errors) {
  for (const Member& pool : sources.at_own("nodePools").members()) {
    check_pool(sources, pool, errors);
    if (pool.key == "system") check_system(sources, pool.value, errors);
  }
}

}  // namespace fairlead::gitops
