#include "engine/gitops/azure_region.h"

#include <algorithm>
#include <array>

namespace fairlead::gitops {
namespace {

// Front Door's regions: learn.microsoft.com/azure/frontdoor/private-link, "Region availability".
constexpr auto kRegions = std::to_array<AzureRegion>({
    {"australiaeast", "aue", true, "australiaeast"},
    {"brazilsouth", "brs", true, "brazilsouth"},
    {"canadacentral", "cac", true, "canadacentral"},
    {"centralindia", "inc", true, "centralindia"},
    {"centralus", "usc", true, "centralus"},
    {"eastasia", "ase", true, "eastasia"},
    {"eastus", "use", true, "eastus"},
    {"eastus2", "use2", true, "eastus2"},
    {"francecentral", "frc", true, "francecentral"},
    {"germanynorth", "den", false, "germanywestcentral"},
    {"germanywestcentral", "dewc", true, "germanywestcentral"},
    {"israelcentral", "ilc", true, "westeurope"},
    {"italynorth", "itn", true, "francecentral"},
    {"japaneast", "jpe", true, "japaneast"},
    {"koreacentral", "krc", true, "koreacentral"},
    {"northcentralus", "usnc", false, "centralus"},
    {"northeurope", "eun", true, "northeurope"},
    {"norwayeast", "noe", true, "norwayeast"},
    {"polandcentral", "plc", true, "germanywestcentral"},
    {"qatarcentral", "qac", true, "uaenorth"},
    {"southafricanorth", "zan", true, "southafricanorth"},
    {"southcentralus", "ussc", true, "southcentralus"},
    {"southeastasia", "asse", true, "southeastasia"},
    {"spaincentral", "esc", true, "francecentral"},
    {"swedencentral", "sec", true, "swedencentral"},
    {"switzerlandnorth", "chn", true, "germanywestcentral"},
    {"uaenorth", "aen", true, "uaenorth"},
    {"uksouth", "uks", true, "uksouth"},
    {"ukwest", "ukw", false, "uksouth"},
    {"westcentralus", "uswc", false, "westus3"},
    {"westeurope", "euw", true, "westeurope"},
    {"westus", "usw", false, "westus3"},
    {"westus2", "usw2", true, "westus2"},
    {"westus3", "usw3", true, "westus3"},
});

}  // namespace

const AzureRegion* find_azure_region(std::string_view name) {
  const auto* it = std::ranges::find(kRegions, name, &AzureRegion::name);
  return it == kRegions.end() ? nullptr : it;
}

}  // namespace fairlead::gitops
