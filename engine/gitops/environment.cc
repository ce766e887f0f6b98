#include "engine/gitops/environment.h"

#include <algorithm>

#include "engine/gitops/address_plan.h"
#include "engine/gitops/azure_region.h"
#include "engine/gitops/environment_checks.h"
#include "engine/gitops/environment_grants.h"
#include "engine/gitops/environment_names.h"

namespace fairlead::gitops {
namespace {

const Value& hub_holder(const EnvironmentSources& sources) {
  return sources.environment(sources.at_own("hub").at("ref").str())->document;
}

std::string primary_region(const Value& document) {
  for (const Member& region : document.at("regions").members()) {
    if (region.value.at("primary").bool_or(false)) return region.key;
  }
  return {};
}

/// Terraform roots that this environment applies, in their order.
Value roots(const EnvironmentSources& sources) {
  Value out = Value::array();
  if (sources.holds_hub()) {
    out.push_back("foundation");
    out.push_back("hub");
  }
  out.push_back("global");
  out.push_back("region");
  if (!sources.at_own("edge").is_null()) out.push_back("edge");
  return out;
}

Value tags(const EnvironmentSources& sources) {
  Value out = sources.at_own("owner").at("tags");
  out.set("environment", sources.name)
      .set("class", sources.at_own("environment").at("class"))
      .set("repository", sources.at_own("owner").at("repository"));
  const Value& expires = sources.at_own("environment").at("expires");
  if (!expires.is_null()) out.set("expires", expires);
  return out;
}

Value foundation(const EnvironmentSources& sources) {
  const Value& holder = hub_holder(sources);
  Value out = EnvironmentNames(holder).foundation();
  const Value& owner = holder.at("owner");
  const Value* subject = owner.find("subject");
  out.set("environment", sources.at_own("hub").at("ref"))
      .set("location", primary_region(holder))
      .set("subject", subject != nullptr ? *subject : Value(fmt::format("repo:{}", owner.at("repository").str())));
  // A state holds what Azure said, keys as well: each environment's pipelines read their own.
  Value environments = Value::array();
  Value containers = Value::object({{sources.name, EnvironmentNames(sources.own.document).state_container()}});
  for (const std::string& spoke : sources.spokes()) {
    environments.push_back(spoke);
    containers.set(spoke, EnvironmentNames(sources.environment(spoke)->document).state_container());
  }
  return out.set("environments", std::move(environments)).set("stateContainers", std::move(containers));
}

/// What the firewall lets out of one environment: its own list, and what its services need.
Value spoke(const EnvironmentSources& sources, const std::string& name) {
  const Value& document = sources.environment(name)->document;
  Value ranges = Value::object();
  for (const Member& region : document.at("regions").members()) ranges.set(region.key, region.value.at("cidr"));
  std::vector<std::string> hosts;
  for (const Value& host : document.at("hub", "allow").items()) hosts.emplace_back(host.str());
  for (const auto& [service, needs] : sources.needs.at(name)) {
    for (const Value& host : needs.document.at("egress").items()) hosts.emplace_back(host.str());
  }
  std::ranges::sort(hosts);
  hosts.erase(std::ranges::unique(hosts).begin(), hosts.end());
  Value allow = Value::array();
  for (std::string& host : hosts) allow.push_back(std::move(host));
  return Value::object({{"egressTier", document.at("hub", "egressTier")}, {"ranges", ranges}, {"allow", allow}});
}

Value runners(const Value& holder, const Value& given) {
  const std::string_view repository = holder.at("owner", "repository").str();
  const std::size_t slash = repository.find('/');
  Value out = EnvironmentNames(holder).runners();
  out.set("organization", repository.substr(0, slash)).set("repository", repository.substr(slash + 1));
  for (const Member& member : given.members()) out.set(member.key, member.value);
  return out;
}

Value hub(const EnvironmentSources& sources) {
  const Value& holder = hub_holder(sources);
  const EnvironmentNames names(holder);
  Value regions = Value::object();
  for (const Member& region : holder.at("regions").members()) {
    const AddressRange range = *AddressRange::parse(region.value.at("hubCidr").str());
    Value entry = names.hub(find_azure_region(region.key)->code);
    entry.set("zones", region.value.at("zones"))
        .set("cidr", range.to_string())
        .set("subnets", hub_subnets(range))
        .set("firewallIp", firewall_address(range));
    regions.set(region.key, std::move(entry));
  }
  Value spokes = Value::object();
  for (const std::string& name : sources.spokes()) spokes.set(name, spoke(sources, name));
  Value out = Value::object({{"environment", sources.at_own("hub").at("ref")},
                             {"egressTier", sources.at_own("hub").at("egressTier")},
                             {"firewall", holder.at("hub", "egressTier").str() == "firewall"},
                             {"resourceGroup", names.hub_group()},
                             {"location", primary_region(holder)},
                             {"regions", std::move(regions)},
                             {"spokes", std::move(spokes)}});
  if (const Value* given = holder.at("hub").find("runners")) out.set("runners", runners(holder, *given));
  return out;
}

Value registry(const EnvironmentSources& sources) {
  const std::string_view ref = sources.at_own("registry").at("ref").str();
  const Value& holder = sources.environment(ref)->document;
  const EnvironmentNames names(holder);
  std::vector<std::string> replicas;
  if (ref == sources.name) {  // Everywhere that images are pulled from, once.
    const auto add = [&](const Value& document) {
      if (document.at("registry", "ref").str() != ref) return;
      for (const Member& region : document.at("regions").members()) replicas.push_back(region.key);
    };
    add(sources.own.document);
    for (const auto& [name, other] : sources.others) add(other.document);
  }
  std::ranges::sort(replicas);
  replicas.erase(std::ranges::unique(replicas).begin(), replicas.end());
  std::erase(replicas, primary_region(holder));
  Value out = Value::object({{"environment", ref},
                             {"subscription", holder.at("azure", "subscription")},
                             {"resourceGroup", names.foundation().at("resourceGroup")},
                             {"name", names.registry()},
                             {"loginServer", names.registry() + ".azurecr.io"},
                             {"replicas", Value::array()}});
  for (std::string& region : replicas) out["replicas"].push_back(std::move(region));
  return out;
}

Value regions(const EnvironmentSources& sources) {
  const EnvironmentNames names(sources.own.document);
  Value out = Value::object();
  for (const Member& region : sources.at_own("regions").members()) {
    AddressRange range = *AddressRange::parse(region.value.at("cidr").str());
    range.prefix = kSpokePrefix;
    Value entry = names.region(find_azure_region(region.key)->code);
    entry.set("primary", region.value.at("primary"))
        .set("zones", region.value.at("zones"))
        .set("privateLinkLocation", find_azure_region(region.key)->private_link)
        .set("cidr", range.to_string())
        .set("subnets", spoke_subnets(range))
        .set("gatewayIp", region.value.at("gatewayIp"));
    // Front Door wants another host name of each origin.
    if (const Value& host = sources.at_own("edge").at("certificate", "host"); !host.is_null()) {
      entry.set("originHost", fmt::format("{}.{}", entry.at("code").str(), host.str()));
    }
    out.set(region.key, std::move(entry));
  }
  return out;
}

Value services(const EnvironmentSources& sources) {
  Value out = Value::object();
  for (const Member& service : sources.at_own("services").members()) {
    const Value& needs = sources.needs.at(sources.name).at(service.key).document;
    out.set(service.key,
            Value::object(
                {{"size", service.value.at("size")}, {"calls", needs.at("calls")}, {"egress", needs.at("egress")}}));
  }
  return out;
}

Value join(const EnvironmentSources& sources) {
  const EnvironmentNames names(sources.own.document);
  Value out = Value::object({{"apiVersion", sources.at_own("apiVersion")},
                             {"kind", "Environment"},
                             {"sources", sources.hashes},
                             {"roots", roots(sources)},
                             {"environment", sources.at_own("environment")},
                             {"owner", sources.at_own("owner")},
                             {"tags", tags(sources)},
                             {"azure", sources.at_own("azure")},
                             {"foundation", foundation(sources)},
                             {"hub", hub(sources)},
                             {"registry", registry(sources)},
                             {"global", names.global()}});
  out["global"].set("location", primary_region(sources.own.document));
  out.set("network", Value::object({{"pods", kPodRange}, {"services", kServiceRange}, {"dns", kDnsAddress}}))
      .set("regions", regions(sources));
  for (const char* key : {"edge", "cluster", "nodePools", "data", "hours", "observability", "backup"}) {
    if (const Value* given = sources.own.document.find(key)) out.set(key, *given);
  }
  out.set("services", services(sources))
      .set("containers", environment_containers(sources))
      .set("queues", environment_queues(sources))
      .set("identities", environment_identities(sources, names))
      .set("grants", environment_grants(sources));
  return out;
}

}  // namespace

std::expected<Value, std::vector<Error>> render_environment(const std::string& root, const std::string& name) {
  EnvironmentSources sources = read_environment(root, name);
  if (!sources.errors.empty()) return std::unexpected(std::move(sources.errors));
  std::vector<Error> errors = check_environment(sources);
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return join(sources);
}

}  // namespace fairlead::gitops
