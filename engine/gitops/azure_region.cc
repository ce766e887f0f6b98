#include "engine/gitops/azure_region.h"

#include <algorithm>
#include <array>

namespace fairlead::gitops {
namespace {

constexpr auto kRegions = std::to_array<AzureRegion>({
    {"australiaeast", "aue", true},
    {"brazilsouth", "brs", true},
    {"canadacentral", "cac", true},
    {"centralindia", "inc", true},
    {"centralus", "usc", true},
    {"eastasia", "ase", true},
    {"eastus", "use", true},
    {"eastus2", "use2", true},
    {"francecentral", "frc", true},
    {"germanynorth", "den", false},
    {"germanywestcentral", "dewc", true},
    {"israelcentral", "ilc", true},
    {"italynorth", "itn", true},
    {"japaneast", "jpe", true},
    {"koreacentral", "krc", true},
    {"northcentralus", "usnc", false},
    {"northeurope", "eun", true},
    {"norwayeast", "noe", true},
    {"polandcentral", "plc", true},
    {"qatarcentral", "qac", true},
    {"southafricanorth", "zan", true},
    {"southcentralus", "ussc", true},
    {"southeastasia", "asse", true},
    {"spaincentral", "esc", true},
    {"swedencentral", "sec", true},
    {"switzerlandnorth", "chn", true},
    {"uaenorth", "aen", true},
    {"uksouth", "uks", true},
    {"ukwest", "ukw", false},
    {"westcentralus", "uswc", false},
    {"westeurope", "euw", true},
    {"westus", "usw", false},
    {"westus2", "usw2", true},
    {"westus3", "usw3", true},
});

}  // namespace

const AzureRegion* find_azure_region(std::string_view name) {
  const auto* it = std::ranges::find(kRegions, name, &AzureRegion::name);
  return it == kRegions.end() ? nullptr : it;
}

}  // namespace fairlead::gitops
