// How the networks of hubs and spokes are cut: one place, so that Terraform and the checks agree.
#pragma once

#include "base/value.h"
#include "engine/gitops/address_range.h"

namespace fairlead::gitops {

constexpr int kSpokePrefix = 20;  ///< A spoke's network; what is larger keeps the rest free.
constexpr int kHubPrefix = 22;

/// Every cluster's pods and Services, and what their nodes give to containers; the same everywhere, as overlay networks
/// never meet.
constexpr std::string_view kPodRange = "10.244.0.0/16";
constexpr std::string_view kServiceRange = "10.96.0.0/16";
constexpr std::string_view kDnsAddress = "10.96.0.10";

/// Subnets of a spoke by name, as CIDR blocks.
[[nodiscard]] Value spoke_subnets(const AddressRange& spoke);
/// The subnet that the cluster's Gateway has its address in.
[[nodiscard]] AddressRange gateway_subnet(const AddressRange& spoke);
/// Subnets of a hub by name.
[[nodiscard]] Value hub_subnets(const AddressRange& hub);
/// The firewall's address: Azure gives the first one of its subnet, the fifth of the block.
[[nodiscard]] std::string firewall_address(const AddressRange& hub);

}  // namespace fairlead::gitops
