#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "base/hash.h"
#include "engine/api/admission.h"

namespace fairlead::api {
namespace {

constexpr std::uint32_t kBase = (10U << 24) | (96U << 16);
constexpr std::uint32_t kSize = 1U << 16;
constexpr std::uint32_t kApiServer = kBase + 1;  ///< For default/kubernetes.
constexpr std::uint32_t kDns = kBase + 10;       ///< For kube-system/kube-dns.

std::string to_text(std::uint32_t ip) {
  return fmt::format("{}.{}.{}.{}", ip >> 24, (ip >> 16) & 255, (ip >> 8) & 255, ip & 255);
}

std::optional<std::uint32_t> parse_ip(std::string_view text) {
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

struct Taken {
  std::set<std::uint32_t> addresses;
  std::set<std::int64_t> node_ports;
};

/// What every other Service holds.
Taken taken_by_others(const Api& api, std::string_view ns, std::string_view name) {
  Taken out;
  api.store().each(api.schema().resource("", "services"), {}, [&](const ObjectPtr& service) {
    if (service->ns() == ns && service->name() == name) return true;
    if (const auto ip = parse_ip(service->at("spec", "clusterIP").str())) out.addresses.insert(*ip);
    for (const Value& port : service->at("spec", "ports").items()) {
      if (const std::int64_t number = port.at("nodePort").int_or(0); number > 0) out.node_ports.insert(number);
    }
    return true;
  });
  return out;
}

std::optional<std::uint32_t> reserved_for(std::string_view ns, std::string_view name) {
  if (ns == "default" && name == "kubernetes") return kApiServer;
  if (ns == "kube-system" && name == "kube-dns") return kDns;
  return std::nullopt;
}

ApiResult<> refuse(const Admission& admission, std::string field, std::string why) {
  return std::unexpected(Status::invalid(*admission.resource, admission.object->at("metadata", "name").str(),
                                         {{FieldError::Reason::kInvalid, std::move(field), std::move(why)}}));
}

ApiResult<std::uint32_t> choose_address(const Admission& admission, std::string_view ns, std::string_view name,
                                        const std::set<std::uint32_t>& taken) {
  if (const auto own = reserved_for(ns, name); own && !taken.contains(*own)) return *own;
  const std::uint32_t start = fnv1a32(fmt::format("{}/{}", ns, name)) % kSize;
  for (std::uint32_t i = 0; i < kSize; ++i) {
    const std::uint32_t offset = (start + i) % kSize;
    const std::uint32_t ip = kBase + offset;
    if (offset == 0 || offset == kSize - 1 || ip == kApiServer || ip == kDns || taken.contains(ip)) continue;
    return ip;
  }
  auto refused = refuse(admission, "spec.clusterIPs", "Invalid value: null: failed to allocate an IP: range is full");
  return std::unexpected(refused.error());
}

ApiResult<> check_address(const Admission& admission, std::string_view text, const std::set<std::uint32_t>& taken) {
  const auto ip = parse_ip(text);
  if (!ip || *ip < kBase || *ip >= kBase + kSize) {
    return refuse(admission, "spec.clusterIPs",
                  fmt::format("Invalid value: [\"{}\"]: failed to allocate IP {}: the provided IP is not in the valid "
                              "range. The range of valid IPs is {}",
                              text, text, kServiceRange));
  }
  if (taken.contains(*ip)) {
    return refuse(
        admission, "spec.clusterIPs",
        fmt::format("Invalid value: [\"{}\"]: failed to allocate IP {}: provided IP is already allocated", text, text));
  }
  return {};
}

ApiResult<> allocate_address(const Admission& admission, Value& spec, const std::set<std::uint32_t>& taken) {
  const std::string_view ns = admission.object->at("metadata", "namespace").str();
  const std::string_view name = admission.object->at("metadata", "name").str();
  std::string ip(spec.at("clusterIP").str());
  if (ip.empty()) ip = spec.at("clusterIPs", 0).str();
  if (ip.empty() && admission.before != nullptr) ip = admission.before->at("spec", "clusterIP").str();
  if (ip.empty()) {
    const auto chosen = choose_address(admission, ns, name, taken);
    if (!chosen) return std::unexpected(chosen.error());
    ip = to_text(*chosen);
  } else if (ip != "None") {
    if (auto ok = check_address(admission, ip, taken); !ok) return ok;
  }
  spec.set("clusterIP", ip).set("clusterIPs", Value::array({ip}));
  if (!spec.has("ipFamilies")) spec.set("ipFamilies", Value::array({"IPv4"}));
  if (!spec.has("ipFamilyPolicy")) spec.set("ipFamilyPolicy", "SingleStack");
  return {};
}

std::int64_t earlier_node_port(const Admission& admission, const Value& port) {
  if (admission.before == nullptr) return 0;
  for (const Value& old : admission.before->at("spec", "ports").items()) {
    if (old.at("port") == port.at("port") && old.at("protocol") == port.at("protocol")) {
      return old.at("nodePort").int_or(0);
    }
  }
  return 0;
}

ApiResult<> allocate_node_ports(const Admission& admission, Value& spec, std::set<std::int64_t> taken) {
  Value* ports = spec.find("ports");
  if (ports == nullptr || !ports->is_array()) return {};
  const Value& metadata = admission.object->at("metadata");
  for (std::size_t i = 0; i < ports->size(); ++i) {
    Value& port = ports->mutable_items()[i];
    std::int64_t number = port.at("nodePort").int_or(0);
    if (number == 0) number = earlier_node_port(admission, port);
    const std::string where = fmt::format("spec.ports[{}].nodePort", i);
    if (number != 0 && (number < kFirstNodePort || number > kLastNodePort)) {
      return refuse(admission, where,
                    fmt::format("Invalid value: {}: provided port is not in the valid range. The range of valid ports "
                                "is {}-{}",
                                number, kFirstNodePort, kLastNodePort));
    }
    if (number != 0 && taken.contains(number)) {
      return refuse(admission, where, fmt::format("Invalid value: {}: provided port is already allocated", number));
    }
    const std::int64_t size = kLastNodePort - kFirstNodePort + 1;
    const std::int64_t start = fnv1a32(fmt::format("{}/{}/{}", metadata.at("namespace").str(),
                                                   metadata.at("name").str(), port.at("port").int_or(0))) %
                               size;
    for (std::int64_t step = 0; number == 0 && step < size; ++step) {
      const std::int64_t candidate = kFirstNodePort + (start + step) % size;
      if (!taken.contains(candidate)) number = candidate;
    }
    if (number == 0) return refuse(admission, where, "Invalid value: 0: every node port is taken");
    taken.insert(number);
    port.set("nodePort", number);
  }
  return {};
}

}  // namespace

ApiResult<> admit_service(const Api& api, Admission& admission) {
  const Resource& resource = *admission.resource;
  if (admission.object == nullptr || admission.subresource != Subresource::kNone) return {};
  if (!resource.group.empty() || resource.kind != "Service") return {};
  Value& spec = (*admission.object)["spec"];
  const std::string type(spec.at("type").str());  // A copy: the spec grows below.
  if (type == "ExternalName") {
    for (const std::string_view member : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"})
      spec.erase(member);
    return {};
  }
  const Value& metadata = admission.object->at("metadata");
  const Taken taken = taken_by_others(api, metadata.at("namespace").str(), metadata.at("name").str());
  if (auto ok = allocate_address(admission, spec, taken.addresses); !ok) return ok;
  if (type != "NodePort" && type != "LoadBalancer") return {};
  return allocate_node_ports(admission, spec, taken.node_ports);
}

}  // namespace fairlead::api
