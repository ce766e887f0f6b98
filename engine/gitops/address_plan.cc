#include "engine/gitops/address_plan.h"

#include <array>

namespace fairlead::gitops {
namespace {

struct Subnet {
  std::string_view name;
  std::uint32_t offset;
  int prefix;
};

constexpr auto kSpoke = std::to_array<Subnet>({
    {"nodes", 0, 21},
    {"gateway", 2048, 24},
    {"endpoints", 2304, 24},
    {"applicationGateway", 2560, 24},
    {"apiServer", 2816, 28},
    {"privateLink", 2880, 26},
});
constexpr auto kHub = std::to_array<Subnet>({
    {"firewall", 0, 26},
    {"firewallManagement", 64, 26},
    {"endpoints", 128, 25},
    {"runners", 256, 24},
});
constexpr std::uint32_t kReservedByAzure = 4;  // The first four addresses of every subnet.

Value cut(const AddressRange& range, auto& subnets) {
  Value out = Value::object();
  for (const Subnet& subnet : subnets) {
    out.set(subnet.name, range.part(subnet.offset, subnet.prefix).to_string());
  }
  return out;
}

}  // namespace

Value spoke_subnets(const AddressRange& spoke) { return cut(spoke, kSpoke); }

AddressRange gateway_subnet(const AddressRange& spoke) { return spoke.part(kSpoke[1].offset, kSpoke[1].prefix); }

Value hub_subnets(const AddressRange& hub) { return cut(hub, kHub); }

std::string firewall_address(const AddressRange& hub) { return format_address(hub.first + kReservedByAzure); }

}  // namespace fairlead::gitops
