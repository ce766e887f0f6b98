#include "engine/gitops/environment_checks.h"

#include <algorithm>
#include <array>
#include <set>

#include "engine/gitops/address_checks.h"
#include "engine/gitops/azure_region.h"
#include "engine/gitops/needs_checks.h"
#include "engine/gitops/node_pool_checks.h"

namespace fairlead::gitops {
namespace {

using Errors = std::vector<Error>;

// AKS supports the newest version and the two before it; 1.36 is general since June 2026.
constexpr auto kSupportedVersions = std::to_array<std::string_view>({"1.34", "1.35", "1.36"});

constexpr std::size_t kMaxCommonName = 64;  // X.509's upper bound of a certificate's common name.

constexpr auto kOwnTags = std::to_array<std::string_view>({"environment", "class", "repository", "expires"});

bool is_prod(const EnvironmentSources& sources) { return sources.at_own("environment").at("class").str() == "prod"; }

void check_identity(const EnvironmentSources& sources, Errors& errors) {
  const Value& environment = sources.at_own("environment");
  const Value& name = environment.at("name");
  if (name.str() != sources.name) {
    errors.push_back(sources.own.error(
        name, fmt::format("environment.name is {}, but the file is called {}.yaml", name.str(), sources.name)));
  }
  const bool sandbox = environment.at("class").str() == "sandbox";
  if (sandbox && !environment.has("expires")) {
    errors.push_back(sources.own.error(environment, "a sandbox needs environment.expires, the day it may go"));
  }
  if (!sandbox && environment.has("expires")) {
    errors.push_back(sources.own.error(environment.at("expires"), "environment.expires is for the class sandbox only"));
  }
}

void check_zones(const EnvironmentSources& sources, const Member& region, const AzureRegion& known, Errors& errors) {
  const Value& zones = region.value.at("zones");
  std::set<std::int64_t> seen;
  for (const Value& zone : zones.items()) {
    if (!seen.insert(zone.int_or(0)).second) {
      errors.push_back(
          sources.own.error(zone, fmt::format("regions.{} names zone {} twice", region.key, zone.int_or(0))));
    }
  }
  if (!known.has_zones && !zones.empty()) {
    errors.push_back(sources.own.error(
        zones, fmt::format("{} has no availability zones; leave regions.{}.zones out", region.key, region.key)));
  }
  if (seen.size() == 2) {
    errors.push_back(sources.own.error(
        zones, fmt::format("regions.{} has two zones of three; Azure makes public addresses in one zone or in all",
                           region.key)));
  } else if (is_prod(sources) && seen.size() < 2) {
    errors.push_back(sources.own.error(
        region.value, fmt::format("class prod wants three zones; regions.{} has {}", region.key, seen.size())));
  }
}

/// Tags that rendering sets itself.
void check_tags(const EnvironmentSources& sources, Errors& errors) {
  for (const Member& tag : sources.at_own("owner").at("tags").members()) {
    if (std::ranges::find(kOwnTags, tag.key) == kOwnTags.end()) continue;
    errors.push_back(sources.own.error(tag.value, fmt::format("owner.tags.{} is set by fairlead itself", tag.key)));
  }
}

/// What GitHub's tokens call a repository: its name, in one made since July 2026 with the ids of owner and repository.
void check_subject(const EnvironmentSources& sources, Errors& errors) {
  const Value* subject = sources.at_own("owner").find("subject");
  if (subject == nullptr) return;
  std::string named;
  bool in_id = false;
  for (const char c : subject->str()) {
    if (c == '@' || c == '/') in_id = c == '@';
    if (!in_id) named += c;
  }
  const std::string_view repository = sources.at_own("owner").at("repository").str();
  if (named != fmt::format("repo:{}", repository)) {
    errors.push_back(sources.own.error(
        *subject, fmt::format("owner.subject is {}, which is not of {}", subject->str(), repository)));
  } else if (!sources.holds_hub()) {
    errors.push_back(sources.own.error(*subject, "owner.subject has no use: another environment holds the foundation"));
  }
}

void check_regions(const EnvironmentSources& sources, Errors& errors) {
  const Value& regions = sources.at_own("regions");
  std::int64_t primaries = 0;
  for (const Member& region : regions.members()) {
    primaries += region.value.at("primary").bool_or(false) ? 1 : 0;
    if (const AzureRegion* known = find_azure_region(region.key)) {
      check_zones(sources, region, *known, errors);
    } else {
      errors.push_back(sources.own.error(region.value, fmt::format("{} is not an Azure region", region.key)));
    }
  }
  if (primaries != 1) {
    errors.push_back(sources.own.error(
        regions, fmt::format("one region must have primary: true, {} of {} have it", primaries, regions.size())));
  }
  if (is_prod(sources) && regions.size() < 2) {
    errors.push_back(
        sources.own.error(regions, fmt::format("class prod wants at least two regions, {} given", regions.size())));
  }
}

void check_runners(const EnvironmentSources& sources, Errors& errors) {
  const Value& hub = sources.at_own("hub");
  if (!hub.has("runners")) return;
  if (!sources.holds_hub()) {
    errors.push_back(sources.own.error(hub.at("runners"), "hub.runners has no use: another environment holds the hub"));
  } else if (hub.at("egressTier").str() != "firewall") {
    errors.push_back(sources.own.error(hub.at("runners"),
                                       "hub.runners needs hub.egressTier firewall: a hub without has no way out"));
  }
}

void check_hub(const EnvironmentSources& sources, Errors& errors) {
  const Value& hub = sources.at_own("hub");
  const std::string_view ref = hub.at("ref").str();
  check_runners(sources, errors);
  if (is_prod(sources) && hub.at("egressTier").str() != "firewall") {
    errors.push_back(sources.own.error(hub.at("egressTier"), "class prod needs hub.egressTier firewall"));
  }
  if (sources.holds_hub()) return;
  const Source* holder = sources.environment(ref);
  if (holder == nullptr || holder->document.at("hub", "ref").str() != ref) {
    return errors.push_back(sources.own.error(
        hub.at("ref"), fmt::format("hub.ref is {}, which is no environment that holds a hub of its own", ref)));
  }
  if (is_prod(sources)) {
    errors.push_back(
        sources.own.error(hub.at("ref"), "class prod must hold a hub of its own: hub.ref must be its name"));
  }
  const Value& subscription = sources.at_own("azure").at("subscription");
  if (subscription.str() != holder->document.at("azure", "subscription").str()) {
    errors.push_back(sources.own.error(
        subscription, fmt::format("azure.subscription differs from {}'s, whose hub and foundation it shares", ref)));
  }
  if (hub.at("egressTier").str() == "firewall" && holder->document.at("hub", "egressTier").str() != "firewall") {
    errors.push_back(sources.own.error(hub, fmt::format("hub.egressTier is firewall, but {}'s hub has none", ref)));
  }
  for (const Member& region : sources.at_own("regions").members()) {
    if (holder->document.at("regions").has(region.key)) continue;
    errors.push_back(
        sources.own.error(region.value, fmt::format("regions.{}: {} has no hub in this region", region.key, ref)));
  }
}

void check_registry(const EnvironmentSources& sources, Errors& errors) {
  const Value& ref = sources.at_own("registry").at("ref");
  const Source* holder = sources.environment(ref.str());
  const bool holds = holder != nullptr && holder->document.at("registry", "ref").str() == ref.str() &&
                     holder->document.at("hub", "ref").str() == ref.str();
  if (holds) return;
  errors.push_back(sources.own.error(
      ref,
      fmt::format("registry.ref is {}, which is no environment that holds a foundation and a registry", ref.str())));
}

void check_cluster(const EnvironmentSources& sources, Errors& errors) {
  const Value& cluster = sources.at_own("cluster");
  const Value& version = cluster.at("version");
  if (std::ranges::find(kSupportedVersions, version.str()) == kSupportedVersions.end()) {
    errors.push_back(sources.own.error(version, fmt::format("Kubernetes {} is out of support on AKS; supported: {}",
                                                            version.str(), fmt::join(kSupportedVersions, ", "))));
  }
  if (is_prod(sources) && cluster.at("tier").str() == "Free") {
    errors.push_back(sources.own.error(cluster.at("tier"), "class prod cannot use tier Free: it has no uptime SLA"));
  }
}

/// Cosmos DB takes provisioned throughput in steps of 100 and autoscale's in steps of 1000.
void check_throughput(const Source& source, const Value& throughput, Errors& errors) {
  const std::int64_t step = throughput.at("mode").str() == "autoscale" ? 1000 : 100;
  const Value& units = throughput.at("requestUnits");
  if (units.int_or(0) % step == 0) return;
  errors.push_back(source.error(units, fmt::format("requestUnits is {}; with mode {} it goes in steps of {}",
                                                   units.int_or(0), throughput.at("mode").str(), step)));
}

void check_data(const EnvironmentSources& sources, Errors& errors) {
  const Value& cosmos = sources.at_own("data").at("cosmos");
  check_throughput(sources.own, cosmos.at("throughput"), errors);
  for (const Member& service : sources.at_own("services").members()) {
    for (const Member& container : service.value.at("overrides", "containers").members()) {
      check_throughput(sources.own, container.value, errors);
    }
  }
  if (cosmos.at("writes").str() == "multi") {
    if (sources.at_own("regions").size() < 2) {
      errors.push_back(sources.own.error(cosmos.at("writes"), "data.cosmos.writes is multi, but there is one region"));
    }
    if (cosmos.at("consistency").str() == "Strong") {
      errors.push_back(sources.own.error(cosmos.at("consistency"),
                                         "data.cosmos.consistency cannot be Strong where writes is multi"));
    }
  }
  for (const Member& region : sources.at_own("regions").members()) {
    const AzureRegion* known = find_azure_region(region.key);
    const Value& redundancy = sources.at_own("data").at("queues", "redundancy");
    if (known == nullptr || known->has_zones || redundancy.str() != "ZRS") continue;
    errors.push_back(sources.own.error(
        redundancy.line() > 0 ? redundancy : region.value,
        fmt::format("data.queues.redundancy is ZRS, but {} has no availability zones; LRS it must be", region.key)));
  }
  const Value& days = sources.at_own("backup").at("cosmosDays");
  if (days.int_or(7) != 7 && days.int_or(7) != 30) {
    errors.push_back(sources.own.error(days, "backup.cosmosDays may be 7 or 30: Cosmos DB has these tiers"));
  }
  if (is_prod(sources) && sources.at_own("data").has("redis") &&
      !sources.at_own("data").at("redis", "highAvailability").bool_or(false)) {
    errors.push_back(sources.own.error(sources.at_own("data").at("redis", "highAvailability"),
                                       "class prod wants data.redis.highAvailability"));
  }
}

void check_hours(const EnvironmentSources& sources, Errors& errors) {
  const Value& workdays = sources.at_own("hours").at("workdays");
  if (workdays.is_null() || workdays.at("from").str() < workdays.at("to").str()) return;
  errors.push_back(sources.own.error(workdays, "hours.workdays.from must be before its to, on the same day"));
}

void check_edge(const EnvironmentSources& sources, Errors& errors) {
  const Value& edge = sources.at_own("edge");
  if (edge.is_null()) {
    if (is_prod(sources)) errors.push_back(sources.own.error(sources.own.document, "class prod needs an edge"));
    return;
  }
  if (edge.at("hosts").empty()) errors.push_back(sources.own.error(edge, "edge.hosts names no host"));
  if (const Value& host = edge.at("certificate", "host"); host.str().size() > kMaxCommonName) {
    errors.push_back(
        sources.own.error(host, fmt::format("edge.certificate.host has {} characters; a certificate takes {}",
                                            host.str().size(), kMaxCommonName)));
  }
  std::set<std::string_view> seen;
  for (const Value& host : edge.at("hosts").items()) {
    if (!seen.insert(host.str()).second) {
      errors.push_back(sources.own.error(host, fmt::format("edge.hosts names {} twice", host.str())));
    }
    for (const auto& [name, other] : sources.others) {
      const auto theirs = other.document.at("edge", "hosts").items();
      if (std::ranges::find(theirs, host) == theirs.end()) continue;
      errors.push_back(sources.own.error(host, fmt::format("edge.hosts names {}, which is {}'s", host.str(), name)));
    }
  }
  if (is_prod(sources) && edge.at("waf", "mode").str() != "prevention") {
    errors.push_back(sources.own.error(edge.at("waf", "mode"), "class prod wants edge.waf.mode: prevention"));
  }
  if (!edge.at("waf", "geo", "allow").empty() && !edge.at("waf", "geo", "block").empty()) {
    errors.push_back(sources.own.error(edge.at("waf", "geo"), "edge.waf.geo takes allow or block, not both"));
  }
}

}  // namespace

std::vector<Error> check_environment(const EnvironmentSources& sources) {
  Errors errors;
  check_identity(sources, errors);
  check_tags(sources, errors);
  check_subject(sources, errors);
  check_regions(sources, errors);
  check_hub(sources, errors);
  check_registry(sources, errors);
  check_addresses(sources, errors);
  check_cluster(sources, errors);
  check_node_pools(sources, errors);
  check_data(sources, errors);
  check_edge(sources, errors);
  check_hours(sources, errors);
  check_needs(sources, errors);
  return errors;
}

}  // namespace fairlead::gitops
