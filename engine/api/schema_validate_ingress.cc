// Ingresses. Source: pkg/apis/networking/validation/validation.go, ValidateIngressSpec.
#include <array>

#include "engine/api/schema_names.h"
#include "engine/api/schema_type.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

std::string bad_host(std::string_view host) {
  return host.contains('*') ? bad_wildcard_domain(host) : bad_subdomain(host);
}

void check_service_backend(const Value& service, const std::string& path, Findings& findings) {
  const Value& name = service.at("name");
  if (name.str().empty()) {
    findings.required(path + ".service.name");
  } else if (const std::string why = bad_label(name.str()); !why.empty()) {
    findings.invalid(path + ".service.name", name, why);
  }
  const Value& port_name = service.at("port", "name");
  const Value& number = service.at("port", "number");
  const bool numbered = number.int_or(0) != 0;
  if (!port_name.str().empty() && numbered) {
    findings.invalid(path, "", "cannot set both port name & port number");
  } else if (!port_name.str().empty()) {
    check_port(port_name, path + ".service.port.name", findings);
  } else if (numbered) {
    check_port(number, path + ".service.port.number", findings);
  } else {
    findings.required(path, "port name or number is required");
  }
}

void check_reference(const Value& reference, const std::string& path, Findings& findings) {
  const Value& group = reference.at("apiGroup");
  if (group.is_string()) {
    if (const std::string why = bad_subdomain(group.str()); !why.empty())
      findings.invalid(path + ".apiGroup", group, why);
  }
  for (const std::string_view field : {"kind", "name"}) {
    const Value& value = reference.at(field);
    if (value.str().empty()) {
      findings.required(child_path(path, field));
    } else if (const std::string why = bad_path_segment(value.str()); !why.empty()) {
      findings.invalid(child_path(path, field), value, why);
    }
  }
}

void check_backend(const Value& backend, const std::string& path, Findings& findings) {
  const Value& service = backend.at("service");
  const Value& resource = backend.at("resource");
  if (!service.is_null() && !resource.is_null()) {
    findings.invalid(path, "", "cannot set both resource and service backends");
  } else if (!resource.is_null()) {
    check_reference(resource, path + ".resource", findings);
  } else if (!service.is_null()) {
    check_service_backend(service, path, findings);
  } else {
    findings.invalid(path, "", "resource or service backend is required");
  }
}

void check_path(const Value& item, const std::string& where, Findings& findings) {
  constexpr std::array<std::string_view, 5> kSequences{"//", "/./", "/../", "%2f", "%2F"};
  constexpr std::array<std::string_view, 2> kEnds{"/..", "/."};
  const std::string_view type = item.at("pathType").str();
  const Value path(item.at("path").str());
  const std::string field = where + ".path";
  if (item.at("pathType").is_null()) return findings.required(where + ".pathType", "pathType must be specified");
  const bool literal = type == "Exact" || type == "Prefix";
  const bool known = literal || type == "ImplementationSpecific";
  if (!known) {
    findings.not_supported(where + ".pathType", item.at("pathType"), {"Exact", "ImplementationSpecific", "Prefix"});
  } else if (!path.str().starts_with('/') && (literal || !path.str().empty())) {
    findings.invalid(field, path, "must be an absolute path");
  }
  for (const std::string_view sequence : kSequences) {
    if (literal && path.str().contains(sequence))
      findings.invalid(field, path, fmt::format("must not contain '{}'", sequence));
  }
  for (const std::string_view end : kEnds) {
    if (literal && path.str().ends_with(end)) findings.invalid(field, path, fmt::format("cannot end with '{}'", end));
  }
  check_backend(item.at("backend"), where + ".backend", findings);
}

void check_rule(const Value& rule, const std::string& where, Findings& findings) {
  const Value& host = rule.at("host");
  if (!host.str().empty()) {
    if (bad_address(host.str()).empty())
      findings.invalid(where + ".host", host, "must be a DNS name, not an IP address");
    if (const std::string why = bad_host(host.str()); !why.empty()) findings.invalid(where + ".host", host, why);
  }
  if (rule.at("http").is_null()) return;
  const Value& paths = rule.at("http", "paths");
  if (paths.empty()) findings.required(where + ".http.paths");
  for (std::size_t i = 0; i < paths.size(); ++i)
    check_path(paths.at(i), index_path(where + ".http.paths", i), findings);
}

}  // namespace

void check_ingress(const Value& object, const Value*, Findings& findings) {
  const Value& spec = object.at("spec");
  const Value& fallback = spec.at("defaultBackend");
  if (spec.at("rules").empty() && fallback.is_null())
    findings.invalid("spec", spec, "either `defaultBackend` or `rules` must be specified");
  if (!fallback.is_null()) check_backend(fallback, "spec.defaultBackend", findings);
  for (std::size_t i = 0; i < spec.at("rules").size(); ++i)
    check_rule(spec.at("rules", i), index_path("spec.rules", i), findings);
  for (std::size_t i = 0; i < spec.at("tls").size(); ++i) {
    const std::string where = index_path("spec.tls", i);
    const Value& hosts = spec.at("tls", i, "hosts");
    for (std::size_t j = 0; j < hosts.size(); ++j) {
      if (const std::string why = bad_host(hosts.at(j).str()); !why.empty())
        findings.invalid(index_path(where + ".hosts", j), hosts.at(j), why);
    }
    const Value& secret = spec.at("tls", i, "secretName");
    if (secret.str().empty()) continue;
    if (const std::string why = bad_subdomain(secret.str()); !why.empty())
      findings.invalid(where + ".secretName", secret, why);
  }
  const Value& name = spec.at("ingressClassName");
  if (!name.is_string()) return;
  if (const std::string why = bad_subdomain(name.str()); !why.empty())
    findings.invalid("spec.ingressClassName", name, why);
}

}  // namespace fairlead::api
