#include "engine/control/service_endpoints.h"

#include <algorithm>

namespace fairlead::control {
namespace {

bool is_ipv4(const api::Object& slice) { return slice.at("addressType").string_or("IPv4") == "IPv4"; }

bool is_ready(const Value& endpoint) { return endpoint.at("conditions", "ready").bool_or(true); }

bool still_serves(const Value& endpoint) {
  const Value& conditions = endpoint.at("conditions");
  return conditions.at("serving").bool_or(true) && conditions.at("terminating").bool_or(false);
}

void add_endpoints(const api::Object& slice, std::string_view port_name, bool (*usable)(const Value&),
                   std::vector<seam::Endpoint>& out) {
  for (const Value& port : slice.at("ports").items()) {
    if (port.at("name").str() != port_name) continue;
    const auto number = static_cast<std::uint16_t>(port.at("port").int_or(0));
    if (number == 0) continue;  // "Every port" leads nowhere in particular. Source: pkg/proxy/endpointslicecache.go.
    for (const Value& endpoint : slice.at("endpoints").items()) {
      if (!usable(endpoint)) continue;
      for (const Value& ip : endpoint.at("addresses").items()) out.push_back({std::string(ip.str()), number});
    }
  }
}

}  // namespace

std::vector<seam::Endpoint> service_endpoints(std::span<const api::ObjectPtr> slices, std::string_view port_name) {
  std::vector<seam::Endpoint> out;
  for (const auto usable : {&is_ready, &still_serves}) {
    for (const api::ObjectPtr& slice : slices) {
      if (is_ipv4(*slice)) add_endpoints(*slice, port_name, usable, out);
    }
    if (!out.empty()) break;
  }
  std::ranges::sort(out);
  const auto repeated = std::ranges::unique(out);
  out.erase(repeated.begin(), repeated.end());
  return out;
}

std::vector<seam::HeadlessName> headless_addresses(std::span<const api::ObjectPtr> slices) {
  std::vector<seam::HeadlessName> out;
  for (const api::ObjectPtr& slice : slices) {
    if (!is_ipv4(*slice)) continue;
    for (const Value& endpoint : slice->at("endpoints").items()) {
      if (!is_ready(endpoint)) continue;
      for (const Value& ip : endpoint.at("addresses").items()) {
        out.push_back({std::string(endpoint.at("hostname").str()), std::string(ip.str())});
      }
    }
  }
  std::ranges::sort(out);
  return out;
}

std::uint16_t find_port(const Value& pod, std::string_view name, std::string_view protocol) {
  for (const std::string_view list : {"containers", "initContainers"}) {
    for (const Value& container : pod.at("spec", list).items()) {
      if (list == "initContainers" && container.at("restartPolicy").str() != "Always") continue;
      for (const Value& port : container.at("ports").items()) {
        if (port.at("name").str() != name || port.at("protocol").string_or("TCP") != protocol) continue;
        return static_cast<std::uint16_t>(port.at("containerPort").int_or(0));
      }
    }
  }
  return 0;
}

}  // namespace fairlead::control
