// Families and addresses of Services.
// Source: pkg/registry/core/service/storage, storage.go (patchAllocatedValues, normalizeClusterIPs) and alloc.go.
#include <charconv>
#include <tuple>
#include <utility>

#include "base/hash.h"
#include "base/json.h"
#include "engine/api/admission_service.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::uint32_t kBase = (10U << 24) | (96U << 16);
constexpr std::uint32_t kSize = 1U << 16;
constexpr std::uint32_t kApiServer = kBase + 1;  ///< For default/kubernetes.
constexpr std::uint32_t kDns = kBase + 10;       ///< For kube-system/kube-dns.
constexpr std::string_view kFamily = "IPv4";
constexpr std::string_view kOtherFamily = "IPv6";

std::string to_text(std::uint32_t ip) {
  return fmt::format("{}.{}.{}.{}", ip >> 24, (ip >> 16) & 255, (ip >> 8) & 255, ip & 255);
}

std::optional<std::uint32_t> reserved_for(std::string_view ns, std::string_view name) {
  if (ns == "default" && name == "kubernetes") return kApiServer;
  if (ns == "kube-system" && name == "kube-dns") return kDns;
  return std::nullopt;
}

bool headless_without_selector(const Value& spec) {
  return spec.at("clusterIP").str() == "None" && spec.at("selector").empty();
}

/// The first of two: what a Service keeps that goes back to one family.
void keep_first(const ServiceWrite& write, std::string_view field) {
  const Value& list = write.spec.at(field);
  if (list.size() > 1 && list == write.before.at(field)) write.spec.set(field, Value::array({Value(list.at(0))}));
}

void choose_policy(ServiceWrite& write) {
  if (!write.spec.at("ipFamilyPolicy").is_null()) return;
  if (!write.before.at("ipFamilyPolicy").is_null()) {
    write.spec.set("ipFamilyPolicy", write.before.at("ipFamilyPolicy"));
  } else {
    write.spec.set("ipFamilyPolicy", headless_without_selector(write.spec) ? "RequireDualStack" : "SingleStack");
  }
}

/// How the policy goes with the families and addresses that are written, and those families that addresses tell.
void check_policy(ServiceWrite& write, Findings& findings) {
  const Value policy = write.spec.at("ipFamilyPolicy");
  const bool single = policy.str() == "SingleStack";
  if (!write.creates() && single) {
    keep_first(write, "clusterIPs");
    keep_first(write, "ipFamilies");
  }
  for (const auto& [field, what, written] : {std::tuple("clusterIPs", "cluster IP", "multiple cluster IPs"),
                                             std::tuple("ipFamilies", "IP family", "multiple IP families")}) {
    const std::size_t count = write.spec.at(field).size();
    if (single && count == 2) {
      findings.invalid("spec.ipFamilyPolicy", policy,
                       fmt::format("must be 'RequireDualStack' or 'PreferDualStack' when {} are specified", written));
    } else if (!single && count > 0 && count < write.before.at(field).size()) {
      findings.invalid("spec.ipFamilyPolicy", policy,
                       fmt::format("must be 'SingleStack' to release the secondary {}", what));
    }
  }
  const Value addresses = write.spec.at("clusterIPs");
  for (std::size_t i = write.spec.at("ipFamilies").size(); i < addresses.size(); ++i) {
    if (addresses.at(i).str() == "None") break;
    if (parse_ipv4(addresses.at(i).str())) {
      write.spec["ipFamilies"].push_back(kFamily);
    } else {
      findings.invalid(index_path("spec.clusterIPs", i), addresses,
                       fmt::format("{} is not configured on this cluster", kOtherFamily));
    }
  }
}

void check_configured(const Value& spec, Findings& findings) {
  if (spec.at("ipFamilyPolicy").str() == "RequireDualStack") {
    findings.invalid("spec.ipFamilyPolicy", spec.at("ipFamilyPolicy"),
                     "this cluster is not configured for dual-stack services");
  }
  for (std::size_t i = 0; i < spec.at("ipFamilies").size(); ++i) {
    const Value& family = spec.at("ipFamilies", i);
    if (family.str() != kFamily)
      findings.invalid(index_path("spec.ipFamilies", i), family, "not configured on this cluster");
  }
}

ApiResult<> refuse_all(const ServiceWrite& write, Findings& findings) {
  return std::unexpected(Status::invalid(*write.admission.resource,
                                         write.admission.object->at("metadata", "name").str(), findings.take()));
}

/// True for an update that touches nothing of a Service that prefers two families.
bool keeps_preference(const ServiceWrite& write) {
  const auto same = [&](std::string_view field) { return write.spec.at(field) == write.before.at(field); };
  return !write.creates() && write.spec.at("ipFamilyPolicy").str() == "PreferDualStack" && same("ipFamilyPolicy") &&
         same("type") && same("clusterIPs") && same("ipFamilies");
}

ApiResult<std::uint32_t> choose_address(const ServiceWrite& write, const std::set<std::uint32_t>& taken) {
  const Value& metadata = write.admission.object->at("metadata");
  const std::string_view ns = metadata.at("namespace").str();
  const std::string_view name = metadata.at("name").str();
  if (const auto own = reserved_for(ns, name); own && !taken.contains(*own)) return *own;
  const std::uint32_t start = fnv1a32(fmt::format("{}/{}", ns, name)) % kSize;
  for (std::uint32_t i = 0; i < kSize; ++i) {
    const std::uint32_t offset = (start + i) % kSize;
    const std::uint32_t ip = kBase + offset;
    if (offset == 0 || offset == kSize - 1 || ip == kApiServer || ip == kDns || taken.contains(ip)) continue;
    return ip;
  }
  return std::unexpected(Status::internal(
      fmt::format("Internal error occurred: failed to allocate a serviceIP for Service \"{}\": range is full", name)));
}

ApiResult<> check_address(const ServiceWrite& write, std::string_view text, const std::set<std::uint32_t>& taken) {
  const auto ip = parse_ipv4(text);
  const std::string failed =
      fmt::format("Invalid value: {}: failed to allocate IP {}: ", to_json(write.spec.at("clusterIPs")), text);
  if (!ip || *ip < kBase || *ip >= kBase + kSize) {
    return write.refuse("spec.clusterIPs", fmt::format("{}the provided IP ({}) is not in the valid range. The range of "
                                                       "valid IPs is {}",
                                                       failed, text, kServiceRange));
  }
  if (taken.contains(*ip)) return write.refuse("spec.clusterIPs", failed + "provided IP is already allocated");
  return {};
}

}  // namespace

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  std::uint32_t out = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int i = 0; i < 4; ++i) {
    std::uint32_t part = 0;
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc() || part > 255 || (i < 3 ? (next == end || *next != '.') : next != end))
      return std::nullopt;
    out = (out << 8) | part;
    at = next + (i < 3 ? 1 : 0);
  }
  return out;
}

bool needs_cluster_address(const Value& spec) { return spec.at("type").str() != "ExternalName"; }

void normalize_cluster_addresses(ServiceWrite& write) {
  Value& spec = write.spec;
  const Value& before = write.before;
  if (write.creates()) {
    const Value address = spec.at("clusterIP");
    if (!address.str().empty() && spec.at("clusterIPs").empty()) spec.set("clusterIPs", Value::array({address}));
    return;
  }
  if (needs_cluster_address(before) && needs_cluster_address(spec)) {
    if (spec.at("clusterIP").str().empty()) spec.set("clusterIP", before.at("clusterIP"));
    if (spec.at("clusterIPs").empty()) spec.set("clusterIPs", before.at("clusterIPs"));
  }
  const Value address = spec.at("clusterIP");
  const bool same = address.str() == before.at("clusterIP").str();
  if (same && spec.at("clusterIPs").empty() && !before.at("clusterIPs").empty())
    spec.set("clusterIPs", before.at("clusterIPs"));
  const bool list_left = spec.at("clusterIPs") == before.at("clusterIPs") ||
                         (spec.at("clusterIPs").empty() && before.at("clusterIPs").empty());
  if (same || !list_left) return;
  if (address.str().empty()) {
    spec.erase("clusterIPs");
  } else {
    spec.set("clusterIPs", Value::array({address}));
  }
}

ApiResult<> complete_families(ServiceWrite& write) {
  if (!needs_cluster_address(write.spec) || keeps_preference(write)) return {};
  choose_policy(write);
  Findings findings;
  check_service_addresses(write.spec, findings);
  if (findings.empty()) check_policy(write, findings);
  if (!findings.empty()) return refuse_all(write, findings);
  const bool free = headless_without_selector(write.spec);
  if (!free) check_configured(write.spec, findings);
  if (!findings.empty()) return refuse_all(write, findings);
  if (write.spec.at("ipFamilies").empty()) write.spec.set("ipFamilies", Value::array({kFamily}));
  // Nobody allocates its addresses, so it may have those of families that the cluster does not know.
  Value& families = write.spec["ipFamilies"];
  if (free && families.size() < 2 && write.spec.at("ipFamilyPolicy").str() != "SingleStack")
    families.push_back(families.at(0).str() == kFamily ? kOtherFamily : kFamily);
  return {};
}

ApiResult<> allocate_cluster_address(ServiceWrite& write, const std::set<std::uint32_t>& taken) {
  if (!needs_cluster_address(write.spec)) return {};
  const std::string address(write.spec.at("clusterIPs", 0).str());
  if (address == "None") return {};
  if (address.empty()) {
    const auto chosen = choose_address(write, taken);
    if (!chosen) return std::unexpected(chosen.error());
    write.spec.set("clusterIP", to_text(*chosen)).set("clusterIPs", Value::array({to_text(*chosen)}));
    return {};
  }
  // One that changed is found by validation.
  const bool had_one = !write.creates() && !write.before.at("clusterIPs").empty();
  return had_one ? ApiResult<>() : check_address(write, address, taken);
}

}  // namespace fairlead::api
