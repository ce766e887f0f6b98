#include <algorithm>
#include <array>
#include <set>

#include "base/trim.h"
#include "engine/api/table_cells.h"

namespace fairlead::api::table {
namespace {

using Cells = Value::Array;

constexpr std::size_t kAddressesShown = 3;

/// "a,b,c + 2 more..."
std::string first_few(const std::vector<std::string>& all, std::string_view when_empty) {
  const auto shown = std::min(all.size(), kAddressesShown);
  std::string out = fmt::format("{}", fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), ","));
  if (all.size() > shown) return fmt::format("{} + {} more...", out, all.size() - shown);
  return or_else(out, when_empty);
}

/// The server always fills the cells of -o wide, so nothing is clipped.
std::string load_balancer_addresses(const Value& status) {
  std::set<std::string> addresses;
  for (const auto& ingress : status.at("loadBalancer", "ingress").items()) {
    const auto ip = ingress.at("ip").str();
    const auto address = ip.empty() ? ingress.at("hostname").str() : ip;
    if (!address.empty()) addresses.emplace(address);
  }
  return fmt::format("{}", fmt::join(addresses, ","));
}

std::string external_ip(const Value& o) {
  const auto type = o.at("spec", "type").str();
  const auto ips = join(o.at("spec", "externalIPs"), ",");
  if (type == "ExternalName") return std::string(o.at("spec", "externalName").str());
  if (type == "ClusterIP" || type == "NodePort") return or_else(ips, "<none>");
  if (type != "LoadBalancer") return "<unknown>";
  auto balancer = load_balancer_addresses(o.at("status"));
  if (!ips.empty()) return balancer.empty() ? ips : balancer + "," + ips;
  return or_else(balancer, "<pending>");
}

std::string service_ports(const Value& o) {
  std::vector<std::string> pieces;
  for (const auto& port : o.at("spec", "ports").items()) {
    const auto node_port = count(port.at("nodePort"));
    const auto number = count(port.at("port"));
    const auto protocol = port.at("protocol").string_or("TCP");
    pieces.push_back(node_port > 0 ? fmt::format("{}:{}/{}", number, node_port, protocol)
                                   : fmt::format("{}/{}", number, protocol));
  }
  return or_else(fmt::format("{}", fmt::join(pieces, ",")), "<none>");
}

Cells service(const Value& o, Time now) {
  const auto cluster_ip = o.at("spec", "clusterIPs", 0).string_or(o.at("spec", "clusterIP").str());
  return {name(o),
          o.at("spec", "type").str(),
          or_else(cluster_ip, "<none>"),
          external_ip(o),
          service_ports(o),
          age(o, now),
          format_labels(o.at("spec", "selector"))};
}

Cells endpoints(const Value& o, Time now) {
  std::vector<std::string> all;
  for (const auto& subset : o.at("subsets").items()) {
    const auto& ports = subset.at("ports").items();
    const auto& addresses = subset.at("addresses").items();
    if (ports.empty()) {
      for (const auto& address : addresses) all.emplace_back(address.at("ip").str());
    }
    for (const auto& port : ports) {
      for (const auto& address : addresses) {
        const auto ip = address.at("ip").str();
        const bool v6 = ip.find(':') != std::string_view::npos;
        all.push_back(v6 ? fmt::format("[{}]:{}", ip, count(port.at("port")))
                         : fmt::format("{}:{}", ip, count(port.at("port"))));
      }
    }
  }
  const bool none = o.at("subsets").empty();
  return {name(o), none ? "<none>" : first_few(all, ""), age(o, now)};
}

Cells endpoint_slice(const Value& o, Time now) {
  std::vector<std::string> ports;
  for (const auto& port : o.at("ports").items()) {
    if (port.at("port").is_int()) {
      ports.push_back(fmt::format("{}", count(port.at("port"))));
    } else {
      ports.push_back(or_else(port.at("name").str(), "*"));
    }
  }
  std::vector<std::string> addresses;
  for (const auto& endpoint : o.at("endpoints").items()) {
    for (const auto& address : endpoint.at("addresses").items()) addresses.emplace_back(address.str());
  }
  return {name(o), o.at("addressType").str(), first_few(ports, "<unset>"), first_few(addresses, "<unset>"),
          age(o, now)};
}

Cells namespace_cells(const Value& o, Time now) { return {name(o), o.at("status", "phase").str(), age(o, now)}; }

Cells secret(const Value& o, Time now) {
  return {name(o), o.at("type").str(), static_cast<std::int64_t>(o.at("data").size()), age(o, now)};
}

Cells name_and_age(const Value& o, Time now) { return {name(o), age(o, now)}; }

Cells config_map(const Value& o, Time now) {
  return {name(o), static_cast<std::int64_t>(o.at("data").size() + o.at("binaryData").size()), age(o, now)};
}

std::string node_status(const Value& o) {
  std::string out = "Unknown";
  if (const auto& ready = condition(o, "Ready"); ready.is_object()) {
    out = ready.at("status").str() == "True" ? "Ready" : "NotReady";
  }
  if (o.at("spec", "unschedulable").bool_or(false)) out += ",SchedulingDisabled";
  return out;
}

std::string node_roles(const Value& o) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  for (const auto& [key, value] : o.at("metadata", "labels").members()) {
    if (key.starts_with(kPrefix) && key.size() > kPrefix.size()) roles.insert(key.substr(kPrefix.size()));
    if (key == "kubernetes.io/role" && !value.str().empty()) roles.emplace(value.str());
  }
  return or_else(fmt::format("{}", fmt::join(roles, ",")), "<none>");
}

std::string node_address(const Value& o, std::string_view type) {
  for (const auto& address : o.at("status", "addresses").items()) {
    if (address.at("type").str() == type) return std::string(address.at("address").str());
  }
  return "<none>";
}

Cells node(const Value& o, Time now) {
  const auto& info = o.at("status", "nodeInfo");
  auto kernel = or_else(info.at("kernelVersion").str(), "<unknown>");
  if (!info.at("architecture").str().empty()) kernel += fmt::format(" ({})", info.at("architecture").str());
  return {name(o),
          node_status(o),
          node_roles(o),
          age(o, now),
          info.at("kubeletVersion").str(),
          node_address(o, "InternalIP"),
          node_address(o, "ExternalIP"),
          or_else(info.at("osImage").str(), "<unknown>"),
          kernel,
          or_else(info.at("containerRuntimeVersion").str(), "<unknown>")};
}

std::string access_modes(const Value& modes) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kShort = {
      {{"ReadWriteOnce", "RWO"}, {"ReadOnlyMany", "ROX"}, {"ReadWriteMany", "RWX"}, {"ReadWriteOncePod", "RWOP"}}};
  std::vector<std::string_view> out;
  for (const auto& [mode, text] : kShort) {
    if (std::ranges::any_of(modes.items(), [&](const Value& m) { return m.str() == mode; })) out.push_back(text);
  }
  return fmt::format("{}", fmt::join(out, ","));
}

std::string phase_or_terminating(const Value& o) {
  if (o.at("metadata").has("deletionTimestamp")) return "Terminating";
  return std::string(o.at("status", "phase").str());
}

Cells persistent_volume(const Value& o, Time now) {
  const auto& spec = o.at("spec");
  std::string claim;
  if (const auto& ref = spec.at("claimRef"); ref.is_object()) {
    claim = fmt::format("{}/{}", ref.at("namespace").str(), ref.at("name").str());
  }
  return {name(o),
          or_else(text_of(spec.at("capacity", "storage")), "0"),
          access_modes(spec.at("accessModes")),
          spec.at("persistentVolumeReclaimPolicy").str(),
          phase_or_terminating(o),
          claim,
          spec.at("storageClassName").str(),
          spec.at("volumeAttributesClassName").string_or("<unset>"),
          o.at("status", "reason").str(),
          age(o, now),
          spec.at("volumeMode").string_or("<unset>")};
}

Cells persistent_volume_claim(const Value& o, Time now) {
  const auto& spec = o.at("spec");
  const bool bound = !spec.at("volumeName").str().empty();
  const auto& capacity = o.at("status", "capacity", "storage");
  return {name(o),
          phase_or_terminating(o),
          spec.at("volumeName").str(),
          bound && !capacity.is_null() ? text_of(capacity) : "",
          bound ? access_modes(o.at("status", "accessModes")) : "",
          spec.at("storageClassName").str(),
          spec.at("volumeAttributesClassName").string_or("<unset>"),
          age(o, now),
          spec.at("volumeMode").string_or("<unset>")};
}

std::string event_target(const Value& reference) {
  std::string kind(reference.at("kind").str());
  std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
  const auto target = reference.at("name").str();
  return target.empty() ? kind : fmt::format("{}/{}", kind, target);
}

std::string event_source(const Value& o) {
  const auto component = or_else(o.at("source", "component").str(), o.at("reportingComponent").str());
  const auto host = or_else(o.at("source", "host").str(), o.at("reportingInstance").str());
  return host.empty() ? component : component + ", " + host;
}

Cells event(const Value& o, Time now) {
  const bool has_first = !o.at("firstTimestamp").str().empty();
  const auto first = since(has_first ? o.at("firstTimestamp") : o.at("eventTime"), now);
  auto last = o.at("lastTimestamp").str().empty() ? first : since(o.at("lastTimestamp"), now);
  auto times = std::max<std::int64_t>(count(o.at("count")), 1);
  if (const auto& series = o.at("series"); series.is_object()) {
    last = since(series.at("lastObservedTime"), now);
    times = count(series.at("count"));
  }
  return {last,
          o.at("type").str(),
          o.at("reason").str(),
          event_target(o.at("involvedObject")),
          o.at("involvedObject", "fieldPath").str(),
          event_source(o),
          trimmed(o.at("message").str(), kBlanksAndLineEnds),
          first,
          times,
          name(o)};
}

Cells resource_quota(const Value& o, Time now) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& [resource, hard] : o.at("status", "hard").members()) {
    const auto& used = o.at("status", "used", resource);
    rows.emplace_back(resource,
                      fmt::format("{}: {}/{}", resource, used.is_null() ? "0" : text_of(used), text_of(hard)));
  }
  std::ranges::sort(rows);
  std::vector<std::string> requests;
  std::vector<std::string> limits;
  for (auto& [resource, text] : rows) (resource.starts_with("limits.") ? limits : requests).push_back(std::move(text));
  return {name(o), fmt::format("{}", fmt::join(requests, ", ")), fmt::format("{}", fmt::join(limits, ", ")),
          age(o, now)};
}

Cells ingress(const Value& o, Time now) {
  const auto& rules = o.at("spec", "rules").items();
  std::vector<std::string> hosts;
  for (const auto& rule : rules) {
    if (hosts.size() < kAddressesShown && !rule.at("host").str().empty()) hosts.emplace_back(rule.at("host").str());
  }
  auto shown = or_else(fmt::format("{}", fmt::join(hosts, ",")), "*");
  if (hosts.size() == kAddressesShown && rules.size() > kAddressesShown) {
    shown = fmt::format("{} + {} more...", shown, rules.size() - kAddressesShown);
  }
  return {name(o),
          o.at("spec", "ingressClassName").string_or("<none>"),
          shown,
          load_balancer_addresses(o.at("status")),
          o.at("spec", "tls").empty() ? "80" : "80, 443",
          age(o, now)};
}

constexpr std::array kPrinters = {
    Printer{"", "Service", service},
    Printer{"", "Endpoints", endpoints},
    Printer{"discovery.k8s.io", "EndpointSlice", endpoint_slice},
    Printer{"", "Namespace", namespace_cells},
    Printer{"", "Secret", secret},
    Printer{"", "ServiceAccount", name_and_age},
    Printer{"", "ConfigMap", config_map},
    Printer{"", "Node", node},
    Printer{"", "PersistentVolume", persistent_volume},
    Printer{"", "PersistentVolumeClaim", persistent_volume_claim},
    Printer{"", "Event", event},
    Printer{"", "ResourceQuota", resource_quota},
    Printer{"networking.k8s.io", "Ingress", ingress},
};

}  // namespace

std::span<const Printer> core_printers() { return kPrinters; }

}  // namespace fairlead::api::table
