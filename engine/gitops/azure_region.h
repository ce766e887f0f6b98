// The Azure regions that an environment may name.
#pragma once

#include <string_view>

namespace fairlead::gitops {

struct AzureRegion {
  std::string_view name;   ///< As Azure Resource Manager writes it.
  std::string_view code;   ///< At most four letters, for names that have little room (Key Vault: 24).
  bool has_zones = false;  ///< Three availability zones, or none.
  /// Where Front Door makes its private endpoint for an origin here: the nearest region that it can.
  std::string_view private_link;
};

/// The region called `name`, or null. Regions that are not here are refused: add a line when one is needed.
[[nodiscard]] const AzureRegion* find_azure_region(std::string_view name);

}  // namespace fairlead::gitops
