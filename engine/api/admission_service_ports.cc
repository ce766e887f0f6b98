// Ports of nodes that Services hold, and what goes when the type of one changes.
// Source: pkg/registry/core/service, storage/alloc.go, storage/storage.go (patchAllocatedValues) and strategy.go.
#include <algorithm>
#include <map>
#include <utility>

#include "base/hash.h"
#include "engine/api/admission_service.h"

namespace fairlead::api {
namespace {

std::int64_t node_port(const Value& port) { return port.at("nodePort").int_or(0); }

std::set<std::int64_t> node_ports(const Value& spec) {
  std::set<std::int64_t> out;
  for (const Value& port : spec.at("ports").items()) {
    if (node_port(port) != 0) out.insert(node_port(port));
  }
  return out;
}

bool allocates_node_ports(const Value& spec) {
  const std::string_view type = spec.at("type").str();
  return type == "NodePort" || (type == "LoadBalancer" && spec.at("allocateLoadBalancerNodePorts").bool_or(true));
}

/// The ports of nodes that are free for one write.
class Range {
 public:
  Range(const ServiceWrite& write, const std::set<std::int64_t>& taken) : write_(write), taken_(taken) {}

  /// Why `number` cannot be had; empty when it is this Service's now.
  std::string take(std::int64_t number) {
    if (number < kFirstNodePort || number > kLastNodePort) {
      return fmt::format("provided port is not in the valid range. The range of valid ports is {}-{}", kFirstNodePort,
                         kLastNodePort);
    }
    return taken_.insert(number).second ? "" : "provided port is already allocated";
  }
  /// The same one in every run for the same `what` of the same Service where it is free; 0 when none is.
  std::int64_t take_any(std::string_view what) {
    constexpr std::int64_t kCount = kLastNodePort - kFirstNodePort + 1;
    const Value& metadata = write_.admission.object->at("metadata");
    const std::int64_t start =
        fnv1a32(fmt::format("{}/{}/{}", metadata.at("namespace").str(), metadata.at("name").str(), what)) % kCount;
    for (std::int64_t step = 0; step < kCount; ++step) {
      const std::int64_t candidate = kFirstNodePort + (start + step) % kCount;
      if (taken_.insert(candidate).second) return candidate;
    }
    return 0;
  }

 private:
  const ServiceWrite& write_;
  std::set<std::int64_t> taken_;
};

ApiResult<> take_one(const ServiceWrite& write, Range& range, std::size_t index, std::int64_t number) {
  const std::string why = range.take(number);
  if (why.empty()) return {};
  return write.refuse(fmt::format("spec.ports[{}].nodePort", index), fmt::format("Invalid value: {}: {}", number, why));
}

ApiResult<> take_any(Range& range, Value& port) {
  const std::int64_t number = range.take_any(fmt::format("{}", port.at("port").int_or(0)));
  if (number == 0)
    return std::unexpected(Status::internal("Internal error occurred: failed to allocate a nodePort: range is full"));
  port.set("nodePort", number);
  return {};
}

/// Ports with one number share a port of the nodes, whatever their protocols.
ApiResult<> allocate_new(ServiceWrite& write, Value& ports, Range& range) {
  std::map<std::int64_t, std::int64_t> shared;  // Of the port's number.
  for (std::size_t i = 0; i < ports.size(); ++i) {
    Value& port = ports.mutable_items()[i];
    if (node_port(port) == 0 && !allocates_node_ports(write.spec)) continue;
    const std::int64_t number = port.at("port").int_or(0);
    if (const auto known = shared.find(number); known != shared.end()) {
      if (node_port(port) == 0) port.set("nodePort", known->second);
      if (node_port(port) == known->second) continue;
      if (auto ok = take_one(write, range, i, node_port(port)); !ok) return ok;
      continue;
    }
    const auto asked = std::ranges::find_if(ports.items(), [&](const Value& other) {
      return other.at("port").int_or(0) == number && node_port(other) != 0;
    });
    if (asked == ports.items().end()) {
      if (auto ok = take_any(range, port); !ok) return ok;
    } else {
      if (auto ok = take_one(write, range, i, node_port(*asked)); !ok) return ok;
      port.set("nodePort", node_port(*asked));
    }
    shared[number] = node_port(port);
  }
  return {};
}

ApiResult<> allocate_changed(ServiceWrite& write, Value& ports, Range& range) {
  std::set<std::int64_t> held = node_ports(write.before);
  std::set<std::pair<std::string, std::int64_t>> seen;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    Value& port = ports.mutable_items()[i];
    if (node_port(port) == 0 && !allocates_node_ports(write.spec)) continue;
    if (node_port(port) == 0) {
      if (auto ok = take_any(range, port); !ok) return ok;
    } else if (held.insert(node_port(port)).second) {
      if (auto ok = take_one(write, range, i, node_port(port)); !ok) return ok;
    }
    const std::string_view protocol = port.at("protocol").str();
    if (!seen.emplace(protocol, node_port(port)).second)
      return std::unexpected(Status::internal(fmt::format("duplicate nodePort: {{{} {}}}", protocol, node_port(port))));
  }
  return {};
}

ApiResult<> allocate_health_port(ServiceWrite& write, Range& range) {
  if (!needs_health_port(write.spec) || needs_health_port(write.before)) return {};
  std::int64_t number = write.spec.at("healthCheckNodePort").int_or(0);
  if (number != 0) {
    const std::string why = range.take(number);
    if (!why.empty()) {
      return std::unexpected(Status::internal(fmt::format(
          "Internal error occurred: failed to allocate requested HealthCheck NodePort {}: {}", number, why)));
    }
  } else {
    number = range.take_any("health");
    if (number == 0)
      return std::unexpected(
          Status::internal("Internal error occurred: failed to allocate a HealthCheck NodePort 0: range is full"));
    write.spec.set("healthCheckNodePort", number);
  }
  if (write.admission.warnings != nullptr)
    write.admission.warnings->push_back("spec.healthCheckNodePort is not acted on here: nothing answers on that port");
  return {};
}

bool externally_accessible(const Value& spec) {
  return may_have_node_ports(spec) || (spec.at("type").str() == "ClusterIP" && !spec.at("externalIPs").empty());
}

}  // namespace

bool needs_health_port(const Value& spec) {
  return spec.at("type").str() == "LoadBalancer" && spec.at("externalTrafficPolicy").str() == "Local";
}

bool may_have_node_ports(const Value& spec) {
  return spec.at("type").str() == "NodePort" || spec.at("type").str() == "LoadBalancer";
}

void keep_node_ports(ServiceWrite& write) {
  Value* ports = write.spec.find("ports");
  if (ports != nullptr && ports->is_array() && allocates_node_ports(write.before) && allocates_node_ports(write.spec)) {
    std::set<std::int64_t> used = node_ports(write.before);
    const std::set<std::int64_t> written = node_ports(write.spec);
    std::erase_if(used, [&](std::int64_t number) { return !written.contains(number); });
    for (Value& port : ports->mutable_items()) {
      if (node_port(port) != 0) continue;
      for (const Value& old : write.before.at("ports").items()) {
        const bool same = old.at("name").str() == port.at("name").str() && node_port(old) != 0;
        if (same && !used.contains(node_port(old))) port.set("nodePort", node_port(old));
      }
    }
  }
  if (needs_health_port(write.before) && needs_health_port(write.spec) &&
      write.spec.at("healthCheckNodePort").int_or(0) == 0) {
    write.spec.set("healthCheckNodePort", write.before.at("healthCheckNodePort"));
  }
}

ApiResult<> allocate_node_ports(ServiceWrite& write, const std::set<std::int64_t>& taken) {
  Range range(write, taken);
  Value* ports = write.spec.find("ports");
  if (ports != nullptr && ports->is_array() && may_have_node_ports(write.spec)) {
    auto ok = write.creates() ? allocate_new(write, *ports, range) : allocate_changed(write, *ports, range);
    if (!ok) return ok;
  }
  return allocate_health_port(write, range);
}

void drop_fields_of_other_types(ServiceWrite& write) {
  Value& spec = write.spec;
  const Value& before = write.before;
  const auto drop_if_same = [&](std::string_view field) {
    if (spec.at(field) == before.at(field)) spec.erase(field);
  };
  if (needs_cluster_address(before) && !needs_cluster_address(spec)) {
    if (spec.at("clusterIP").str() == before.at("clusterIP").str() &&
        (spec.at("clusterIPs") == before.at("clusterIPs"))) {
      spec.erase("clusterIP");
      spec.erase("clusterIPs");
    }
    drop_if_same("ipFamilies");
    drop_if_same("ipFamilyPolicy");
  }
  Value* ports = spec.find("ports");
  if (ports != nullptr && ports->is_array() && may_have_node_ports(before) && !may_have_node_ports(spec) &&
      std::ranges::includes(node_ports(before), node_ports(spec))) {
    for (Value& port : ports->mutable_items()) port.erase("nodePort");
  }
  if (needs_health_port(before) && !needs_health_port(spec)) drop_if_same("healthCheckNodePort");
  if (before.at("type").str() == "LoadBalancer" && spec.at("type").str() != "LoadBalancer") {
    drop_if_same("allocateLoadBalancerNodePorts");
    drop_if_same("loadBalancerClass");
  }
  if (externally_accessible(before) && !externally_accessible(spec)) drop_if_same("externalTrafficPolicy");
}

}  // namespace fairlead::api
