// Services. Source: pkg/apis/core/validation/validation.go, validateService and ValidateServiceUpdate.
#include <algorithm>
#include <set>

#include "engine/api/schema_names.h"
#include "engine/api/schema_type.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

constexpr std::int64_t kMostAffinity = 86400;  ///< Seconds.
constexpr std::string_view kRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";

bool headless(const Value& spec) { return spec.at("clusterIPs").size() == 1 && spec.at("clusterIPs", 0) == "None"; }

bool balanced(const Value& spec) { return spec.at("type").str() == "LoadBalancer"; }

bool local(const Value& spec) { return balanced(spec) && spec.at("externalTrafficPolicy").str() == "Local"; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void check_service_port(const Value& port, const std::string& where, bool needs_name, std::set<std::string>& names,
                        Findings& findings) {
  const Value& name = port.at("name");
  if (name.str().empty()) {
    if (needs_name) findings.required(where + ".name");
  } else if (const std::string why = bad_label(name.str()); !why.empty()) {
    findings.invalid(where + ".name", name, why);
  } else if (!names.emplace(name.str()).second) {
    findings.duplicate(where + ".name", name);
  }
  check_port(port.at("port"), where + ".port", findings);
  check_one_of(port.at("protocol"), {"SCTP", "TCP", "UDP"}, where + ".protocol", findings);
  check_port(port.at("targetPort"), where + ".targetPort", findings);
  const Value& protocol = port.at("appProtocol");
  if (!protocol.is_string()) return;
  if (const std::string why = bad_qualified_name(protocol.str()); !why.empty())
    findings.invalid(where + ".appProtocol", protocol, why);
}

void check_service_ports(const Value& spec, Findings& findings) {
  const Value& ports = spec.at("ports");
  const std::string_view type = spec.at("type").str();
  if (ports.empty() && !headless(spec) && type != "ExternalName") findings.required("spec.ports");
  std::set<std::string> names;
  std::set<std::string> numbers;
  std::set<std::string> node_ports;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string where = index_path("spec.ports", i);
    check_service_port(ports.at(i), where, ports.size() > 1, names, findings);
    const Value& node_port = ports.at(i, "nodePort");
    const std::string_view protocol = ports.at(i, "protocol").str();
    if (node_port.int_or(0) != 0) {
      if (type == "ClusterIP") findings.forbidden(where + ".nodePort", "may not be used when `type` is 'ClusterIP'");
      if (!node_ports.insert(fmt::format("{}/{}", protocol, node_port.int_or(0))).second)
        findings.duplicate(where + ".nodePort", node_port);
    }
    if (!numbers.insert(fmt::format("{}/{}", protocol, ports.at(i, "port").int_or(0))).second)
      findings.duplicate(where, ports.at(i));
  }
}

void check_external_addresses(const Value& list, Findings& findings) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = index_path("spec.externalIPs", i);
    const std::string_view text = list.at(i).str();
    const auto inside = [&](std::string_view range) { return is_in_range(text, range); };
    if (const std::string why = bad_address(text); !why.empty()) {
      findings.invalid(where, list.at(i), why);
    } else if (inside("0.0.0.0/32") || inside("::/128")) {
      findings.invalid(where, list.at(i), fmt::format("may not be unspecified ({})", text));
    } else if (inside("127.0.0.0/8") || inside("::1/128")) {
      findings.invalid(where, list.at(i), "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    } else if (inside("169.254.0.0/16") || inside("fe80::/10")) {
      findings.invalid(where, list.at(i), "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    } else if (inside("224.0.0.0/24") || inside("ff02::/16")) {
      findings.invalid(where, list.at(i), "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
  }
}

/// Of the field, or else of the annotation that came before it.
void check_source_ranges(const Value& object, Findings& findings) {
  const Value& spec = object.at("spec");
  const Value& ranges = spec.at("loadBalancerSourceRanges");
  const Value& annotation = object.at("metadata", "annotations", kRangesAnnotation);
  const std::string path =
      ranges.empty() ? key_path("metadata.annotations", kRangesAnnotation) : "spec.LoadBalancerSourceRanges";
  if (ranges.empty() && annotation.is_null()) return;
  if (!balanced(spec)) findings.forbidden(path, "may only be used when `type` is 'LoadBalancer'");
  const auto check = [&](const std::string& where, std::string_view range) {
    if (const std::string why = bad_range(range); !why.empty()) findings.invalid(where, range, why);
  };
  for (std::size_t i = 0; i < ranges.size(); ++i) check(index_path(path, i), trimmed(ranges.at(i).str()));
  std::string_view rest = ranges.empty() ? trimmed(annotation.str()) : std::string_view();
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    check(path, trimmed(rest.substr(0, comma)));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
}

void check_external_name(const Value& spec, Findings& findings) {
  if (spec.at("type").str() != "ExternalName") return;
  for (const std::string_view field : {"clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
    const Value& value = spec.at(field);
    if (value.is_string() || !value.empty())
      findings.forbidden(child_path("spec", field), "may not be set for ExternalName services");
  }
  std::string_view name = spec.at("externalName").str();
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return findings.required("spec.externalName");
  if (const std::string why = bad_subdomain(name); !why.empty()) findings.invalid("spec.externalName", name, why);
}

void check_affinity(const Value& spec, Findings& findings) {
  check_one_of(spec.at("sessionAffinity"), {"ClientIP", "None"}, "spec.sessionAffinity", findings);
  if (spec.at("sessionAffinity").str() != "ClientIP") return;
  const Value& seconds = spec.at("sessionAffinityConfig", "clientIP", "timeoutSeconds");
  if (seconds.is_int() && (seconds.int_or(0) <= 0 || seconds.int_or(0) > kMostAffinity)) {
    findings.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds,
                     fmt::format("must be greater than 0 and less than {}", kMostAffinity));
  }
}

void check_balancer(const Value& spec, Findings& findings) {
  const Value& name = spec.at("loadBalancerClass");
  if (!balanced(spec)) {
    for (const std::string_view field : {"allocateLoadBalancerNodePorts", "loadBalancerClass"}) {
      if (!spec.at(field).is_null())
        findings.forbidden(child_path("spec", field), "may only be used when `type` is 'LoadBalancer'");
    }
  } else if (name.is_string()) {
    if (const std::string why = bad_qualified_name(name.str()); !why.empty())
      findings.invalid("spec.loadBalancerClass", name, why);
  }
}

void check_traffic(const Value& spec, Findings& findings) {
  const std::string_view type = spec.at("type").str();
  const bool external =
      balanced(spec) || type == "NodePort" || (type == "ClusterIP" && !spec.at("externalIPs").empty());
  const Value& policy = spec.at("externalTrafficPolicy");
  if (external) {
    check_one_of(policy, {"Cluster", "Local"}, "spec.externalTrafficPolicy", findings);
  } else if (!policy.str().empty()) {
    findings.invalid("spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services");
  }
  const Value& health = spec.at("healthCheckNodePort");
  if (!local(spec) && health.int_or(0) != 0) {
    findings.invalid("spec.healthCheckNodePort", health,
                     "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
  }
  check_one_of(spec.at("internalTrafficPolicy"), {"Cluster", "Local"}, "spec.internalTrafficPolicy", findings);
  check_one_of(spec.at("trafficDistribution"), {"PreferClose", "PreferSameZone", "PreferSameNode"},
               "spec.trafficDistribution", findings);
}

/// What an update may not change but from or to ExternalName.
void check_service_update(const Value& spec, const Value& before, Findings& findings) {
  if (balanced(before) && balanced(spec) && spec.at("loadBalancerClass") != before.at("loadBalancerClass"))
    findings.invalid("spec.loadBalancerClass", spec.at("loadBalancerClass"), "may not change once set");
  if (local(before) && local(spec) && spec.at("healthCheckNodePort") != before.at("healthCheckNodePort"))
    findings.forbidden("spec.healthCheckNodePort", "field is immutable");
  if (spec.at("type").str() == "ExternalName" || before.at("type").str() == "ExternalName") return;
  const Value& address = spec.at("clusterIP");
  const Value& earlier = before.at("clusterIP");
  if (!earlier.str().empty() && !address.str().empty() && address != earlier)
    findings.invalid("spec.clusterIPs[0]", spec.at("clusterIPs"), "may not change once set");
  const Value& family = before.at("ipFamilies", 0);
  if (!family.is_null() && !headless(before) && !headless(spec) && spec.at("ipFamilies", 0) != family)
    findings.invalid("spec.ipFamilies[0]", spec.at("ipFamilies"), "may not change once set");
}

void check_families(const Value& spec, Findings& findings) {
  std::set<std::string_view> seen;
  const Value& families = spec.at("ipFamilies");
  for (std::size_t i = 0; i < families.size(); ++i) {
    const std::string where = index_path("spec.ipFamilies", i);
    check_one_of(families.at(i), {"IPv4", "IPv6"}, where, findings);
    if (!seen.insert(families.at(i).str()).second) findings.duplicate(where, families.at(i));
  }
  check_one_of(spec.at("ipFamilyPolicy"), {"PreferDualStack", "RequireDualStack", "SingleStack"}, "spec.ipFamilyPolicy",
               findings);
}

/// False when one of them is no address, which makes other findings about them misleading.
bool check_each_address(const Value& list, Findings& findings) {
  bool fine = true;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i == 0 && list.at(i) == "None") {
      if (list.size() == 1) continue;
      findings.invalid("spec.clusterIPs", list, "'None' must be the first and only value");
      fine = false;
    } else if (const std::string why = bad_address(list.at(i).str()); !why.empty()) {
      findings.invalid(index_path("spec.clusterIPs", i), list.at(i), why);
      fine = false;
    }
  }
  if (list.size() > 2) findings.invalid("spec.clusterIPs", list, "may only hold up to 2 values");
  return fine;
}

}  // namespace

void check_service_addresses(const Value& spec, Findings& findings) {
  if (spec.at("type").str() == "ExternalName") return;
  const Value& address = spec.at("clusterIP");
  const Value& list = spec.at("clusterIPs");
  if (address.str().empty()) {
    if (!list.empty()) findings.invalid("spec.clusterIPs", list, "must be empty when `clusterIP` is not specified");
  } else if (list.empty()) {
    findings.required("spec.clusterIPs");
  } else if (list.at(0) != address) {
    findings.invalid("spec.clusterIPs", list, "first value must match `clusterIP`");
  }
  check_families(spec, findings);
  if (!check_each_address(list, findings)) return;
  const auto is_new_family = [](const Value& ip) { return ip.str().contains(':'); };
  const auto of_new_family = static_cast<std::size_t>(std::ranges::count_if(list.items(), is_new_family));
  if (list.size() > 1 && (of_new_family == 0 || of_new_family == list.size()))
    findings.invalid("spec.clusterIPs", list, "may specify no more than one IP for each IP family");
  for (std::size_t i = 0; !headless(spec) && i < std::min(list.size(), spec.at("ipFamilies").size()); ++i) {
    const std::string_view family = spec.at("ipFamilies", i).str();
    if (family == (is_new_family(list.at(i)) ? "IPv4" : "IPv6")) {
      findings.invalid(index_path("spec.clusterIPs", i), list.at(i),
                       fmt::format("expected an {} value as indicated by `ipFamilies[{}]`", family, i));
    }
  }
}

void check_service(const Value& object, const Value* before, Findings& findings) {
  const Value& spec = object.at("spec");
  const std::string_view type = spec.at("type").str();
  check_service_ports(spec, findings);
  if (headless(spec) && (type == "NodePort" || type == "LoadBalancer")) {
    findings.invalid("spec.clusterIPs[0]", "None", fmt::format("may not be set to 'None' for {} services", type));
  }
  check_external_name(spec, findings);
  check_labels(spec.at("selector"), "spec.selector", findings);
  check_affinity(spec, findings);
  check_service_addresses(spec, findings);
  check_external_addresses(spec.at("externalIPs"), findings);
  check_one_of(spec.at("type"), {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"}, "spec.type", findings);
  check_source_ranges(object, findings);
  check_balancer(spec, findings);
  check_traffic(spec, findings);
  if (before != nullptr) check_service_update(spec, before->at("spec"), findings);
}

}  // namespace fairlead::api
