#include "engine/gitops/address_checks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "engine/gitops/address_plan.h"

namespace fairlead::gitops {
namespace {

using Errors = std::vector<Error>;

// RFC 1918.
constexpr std::array kPrivate{AddressRange{0x0A000000, 8}, AddressRange{0xAC100000, 12}, AddressRange{0xC0A80000, 16}};

/// A range and what it is called in messages.
struct Named {
  std::string name;
  AddressRange range;
  const Value* at = nullptr;  ///< Where this environment's file says it; null for what is elsewhere.
};

void add(std::vector<Named>& ranges, std::string name, const Value& cidr, bool own) {
  const auto range = AddressRange::parse(cidr.str());
  if (range) ranges.push_back({std::move(name), *range, own ? &cidr : nullptr});
}

std::vector<Named> ranges_of(const Source& source, const std::string& environment, bool own) {
  std::vector<Named> out;
  const std::string prefix = own ? "" : environment + "'s ";
  for (const Member& region : source.document.at("regions").members()) {
    add(out, prefix + "regions." + region.key + ".cidr", region.value.at("cidr"), own);
    if (region.value.has("hubCidr")) {
      add(out, prefix + "regions." + region.key + ".hubCidr", region.value.at("hubCidr"), own);
    }
  }
  return out;
}

void check_size(const Source& source, const Value& cidr, const std::string& name, int prefix, Errors& errors) {
  const auto range = AddressRange::parse(cidr.str());
  if (!range) {
    errors.push_back(source.error(cidr, fmt::format("{} is {}, which is no CIDR block", name, cidr.str())));
  } else if (range->prefix > prefix) {
    errors.push_back(source.error(cidr, fmt::format("{} is {}; it must be /{} or larger", name, cidr.str(), prefix)));
  } else if (std::ranges::none_of(kPrivate, [&](const AddressRange& all) {
               return all.contains(range->first) && range->prefix >= all.prefix;
             })) {
    errors.push_back(source.error(
        cidr, fmt::format("{} is {}; it must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16", name, cidr.str())));
  }
}

void check_gateway(const Source& source, const Member& region, Errors& errors) {
  const auto spoke = AddressRange::parse(region.value.at("cidr").str());
  if (!spoke) return;
  const Value& given = region.value.at("gatewayIp");
  const auto address = parse_address(given.str());
  const AddressRange subnet = gateway_subnet(*spoke);
  // Azure keeps the first four addresses of a subnet and the last.
  const bool usable = address && subnet.contains(*address) && *address >= subnet.first + 4 &&
                      *address < subnet.first + subnet.size() - 1;
  if (usable) return;
  errors.push_back(
      source.error(given, fmt::format("regions.{}.gatewayIp is {}; it must be between {} and {}", region.key,
                                      given.str(), format_address(subnet.first + 4),
                                      format_address(subnet.first + static_cast<std::uint32_t>(subnet.size()) - 2))));
}

void check_overlaps(const EnvironmentSources& sources, Errors& errors) {
  std::vector<Named> others{{"the clusters' pods", *AddressRange::parse(kPodRange)},
                            {"the clusters' Services", *AddressRange::parse(kServiceRange)}};
  for (const auto& [name, source] : sources.others) {
    for (Named& range : ranges_of(source, name, false)) others.push_back(std::move(range));
  }
  for (Named& own : ranges_of(sources.own, sources.name, true)) {
    for (const Named& other : others) {
      if (!own.range.overlaps(other.range)) continue;
      errors.push_back(sources.own.error(*own.at, fmt::format("{} {} overlaps {} {}", own.name, own.range.to_string(),
                                                              other.name, other.range.to_string())));
    }
    others.push_back(std::move(own));
  }
}

}  // namespace

void check_addresses(const EnvironmentSources& sources, std::vector<Error>& errors) {
  const bool holds_hub = sources.holds_hub();
  for (const Member& region : sources.at_own("regions").members()) {
    const std::string name = "regions." + region.key;
    check_size(sources.own, region.value.at("cidr"), name + ".cidr", kSpokePrefix, errors);
    check_gateway(sources.own, region, errors);
    const Value& hub = region.value.at("hubCidr");
    if (holds_hub && hub.is_null()) {
      errors.push_back(sources.own.error(region.value, name + ".hubCidr is missing: this environment holds the hub"));
    } else if (!holds_hub && !hub.is_null()) {
      errors.push_back(sources.own.error(hub, name + ".hubCidr has no use: another environment holds the hub"));
    } else if (holds_hub) {
      check_size(sources.own, hub, name + ".hubCidr", kHubPrefix, errors);
    }
  }
  check_overlaps(sources, errors);
}

}  // namespace fairlead::gitops
