// Probes and hooks of containers. Source: pkg/apis/core/validation/validation.go, validateProbe and validateLifecycle.
#include "engine/api/schema_names.h"
#include "engine/api/schema_type.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {
namespace {

void check_request(const Value& request, const std::string& path, Findings& findings) {
  if (request.at("path").str().empty()) findings.required(path + ".path");
  check_one_of(request.at("scheme"), {"HTTP", "HTTPS"}, path + ".scheme", findings);
  for (const Value& header : request.at("httpHeaders").items()) {
    const Value name(header.at("name").str());
    if (const std::string why = bad_header_name(name.str()); !why.empty())
      findings.invalid(path + ".httpHeaders", name, why);
  }
}

void check_handler(const Value& handler, const Value& grace, const std::string& path, Findings& findings) {
  bool found = false;
  for (const std::string_view kind : {"exec", "httpGet", "tcpSocket", "grpc", "sleep"}) {
    const Value& action = handler.at(kind);
    const std::string where = child_path(path, kind);
    if (action.is_null()) continue;
    if (found) {
      findings.forbidden(where, "may not specify more than 1 handler type");
      continue;
    }
    found = true;
    if (kind == "exec" && action.at("command").empty()) findings.required(where + ".command");
    if (kind == "httpGet" || kind == "tcpSocket" || kind == "grpc")
      check_port(action.at("port"), where + ".port", findings);
    if (kind == "httpGet") check_request(action, where, findings);
    const std::int64_t seconds = action.at("seconds").int_or(0);
    if (kind == "sleep" && grace.is_int() && (seconds < 0 || seconds > grace.int_or(0))) {
      findings.invalid(
          where, Value(seconds),
          fmt::format("must be non-negative and less than terminationGracePeriodSeconds ({})", grace.int_or(0)));
    }
  }
  if (!found) findings.required(path, "must specify a handler type");
}

void check_probe(const Value& probe, bool for_readiness, const Value& grace, const std::string& path,
                 Findings& findings) {
  if (probe.is_null()) return;
  check_handler(probe, grace, path, findings);
  for (const std::string_view field :
       {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"}) {
    check_least(probe.at(field), 0, child_path(path, field), findings);
  }
  const Value& own_grace = probe.at("terminationGracePeriodSeconds");
  const std::string own_grace_path = path + ".terminationGracePeriodSeconds";
  if (own_grace.is_int() && own_grace.int_or(0) <= 0)
    findings.invalid(own_grace_path, own_grace, "must be greater than 0");
  if (for_readiness) {
    if (!own_grace.is_null()) findings.invalid(own_grace_path, own_grace, "must not be set for readinessProbes");
  } else if (probe.at("successThreshold").int_or(1) != 1) {
    findings.invalid(path + ".successThreshold", probe.at("successThreshold"), "must be 1");
  }
}

}  // namespace

void check_life(const Value& container, const Value& grace, const std::string& path, Findings& findings) {
  const Value& lifecycle = container.at("lifecycle");
  for (const std::string_view hook : {"postStart", "preStop"}) {
    if (lifecycle.has(hook) &&
        (hook != "preStop" || !lifecycle.at("stopSignal").is_string() || !lifecycle.at(hook).is_null())) {
      check_handler(lifecycle.at(hook), grace, fmt::format("{}.lifecycle.{}", path, hook), findings);
    }
  }
  check_probe(container.at("livenessProbe"), false, grace, path + ".livenessProbe", findings);
  check_probe(container.at("readinessProbe"), true, grace, path + ".readinessProbe", findings);
  check_probe(container.at("startupProbe"), false, grace, path + ".startupProbe", findings);
}

}  // namespace fairlead::api
