#include "engine/control/http_route.h"

#include <algorithm>
#include <optional>

#include <re2/re2.h>

#include "engine/control/service_endpoints.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

/// Reads one route; the first thing that is not supported, and the first reference that leads nowhere, are reported.
class RouteReader {
 public:
  RouteReader(const api::Api& api, const api::Object& route) : api_(api), route_(route) {}

  RouteReading read() {
    const Value& rules = route_.at("spec", "rules");
    for (std::size_t i = 0; i < rules.size(); ++i) {
      out_.rules.push_back(read_rule(rules.at(i), fmt::format("spec.rules[{}]", i)));
    }
    return std::move(out_);
  }

 private:
  void unsupported(std::string message) {
    if (out_.accepted.holds) out_.accepted = {false, "UnsupportedValue", std::move(message)};
  }

  void unresolved(std::string_view reason, std::string message) {
    if (out_.resolved_refs.holds) out_.resolved_refs = {false, std::string(reason), std::move(message)};
  }

  void refuse_filters(const Value& holder, std::string_view where) {
    const Value& filters = holder.at("filters");
    if (filters.empty()) return;
    unsupported(
        fmt::format("{}.filters[0]: filter {} is not supported by this edge", where, filters.at(0, "type").str()));
  }

  seam::RouteRule read_rule(const Value& rule, const std::string& where) {
    seam::RouteRule out;
    refuse_filters(rule, where);
    for (std::size_t i = 0; i < rule.at("matches").size(); ++i) {
      out.matches.push_back(read_match(rule.at("matches", i), fmt::format("{}.matches[{}]", where, i)));
    }
    if (out.matches.empty()) out.matches.emplace_back();
    const Value& backends = rule.at("backendRefs");
    for (std::size_t i = 0; i < backends.size(); ++i) {
      const std::string place = fmt::format("{}.backendRefs[{}]", where, i);
      refuse_filters(backends.at(i), place);
      out.backends.push_back(read_backend(backends.at(i), place));
    }
    out.request_timeout = read_timeout(rule, "request", where);
    out.backend_timeout = read_timeout(rule, "backendRequest", where);
    return out;
  }

  std::optional<Duration> read_timeout(const Value& rule, std::string_view name, std::string_view where) {
    const Value& text = rule.at("timeouts", name);
    if (text.is_null()) return std::nullopt;
    const Result<Duration> duration = parse_duration(text.str());
    if (!duration) {
      unsupported(fmt::format("{}.timeouts.{}: {}", where, name, duration.error().message));
      return std::nullopt;
    }
    // "0s" switches the timeout off.
    return duration->count() == 0 ? std::nullopt : std::optional(*duration);
  }

  seam::StringMatch read_string_match(const Value& match, std::string_view otherwise, const std::string& where) {
    seam::StringMatch out{std::string(match.at("type").string_or(otherwise)), std::string(match.at("name").str()),
                          std::string(match.at("value").str())};
    const bool known = out.type == "Exact" || out.type == "RegularExpression" || out.type == otherwise;
    if (!known) unsupported(fmt::format("{}.type: {} is not supported by this edge", where, out.type));
    if (out.type == "RegularExpression") {
      const re2::RE2 expression(out.value, re2::RE2::Quiet);
      if (!expression.ok()) unsupported(fmt::format("{}.value: {}", where, expression.error()));
    }
    return out;
  }

  std::vector<seam::StringMatch> read_list(const Value& list, const std::string& where) {
    std::vector<seam::StringMatch> out;
    for (std::size_t i = 0; i < list.size(); ++i) {
      out.push_back(read_string_match(list.at(i), "Exact", fmt::format("{}[{}]", where, i)));
    }
    return out;
  }

  seam::RouteMatch read_match(const Value& match, const std::string& where) {
    seam::RouteMatch out;
    out.path = read_string_match(match.at("path"), "PathPrefix", where + ".path");
    if (out.path.value.empty()) out.path.value = "/";
    if (!out.path.value.starts_with('/') && out.path.type != "RegularExpression") {
      unsupported(fmt::format("{}.path.value: must start with /", where));
    }
    out.method = match.at("method").str();
    out.headers = read_list(match.at("headers"), where + ".headers");
    out.query = read_list(match.at("queryParams"), where + ".queryParams");
    return out;
  }

  seam::RouteBackend read_backend(const Value& ref, const std::string& where) {
    seam::RouteBackend out;
    out.missing = true;
    out.ns = ref.at("namespace").string_or(route_.ns());
    out.service = ref.at("name").str();
    out.port = static_cast<std::uint16_t>(ref.at("port").int_or(0));
    out.weight = static_cast<std::int32_t>(ref.at("weight").int_or(1));
    if (!ref.at("group").str().empty() || ref.at("kind").string_or("Service") != "Service") {
      unresolved("InvalidKind", fmt::format("{}: only Services can be backends here", where));
      return out;
    }
    if (out.ns != route_.ns() && !is_granted(out)) {
      unresolved("RefNotPermitted", fmt::format("{}: no ReferenceGrant in {} lets HTTPRoutes of {} use Service {}",
                                                where, out.ns, route_.ns(), out.service));
      return out;
    }
    const api::ObjectPtr service = api_.get(api_.schema().resource("", "services"), out.ns, out.service);
    const Value* port = service == nullptr ? nullptr : find_service_port(*service, out.port);
    if (service == nullptr) {
      unresolved("BackendNotFound", fmt::format("{}: Service {}/{} does not exist", where, out.ns, out.service));
    } else if (port == nullptr) {
      unresolved("BackendNotFound",
                 fmt::format("{}: Service {}/{} has no TCP port {}", where, out.ns, out.service, out.port));
    } else {
      out.missing = false;
      out.endpoints = find_endpoints(out, port->at("name").str());
    }
    return out;
  }

  static const Value* find_service_port(const api::Object& service, std::uint16_t number) {
    for (const Value& port : service.at("spec", "ports").items()) {
      if (port.at("port").int_or(0) == number && port.at("protocol").string_or("TCP") == "TCP") return &port;
    }
    return nullptr;
  }

  [[nodiscard]] std::vector<seam::Endpoint> find_endpoints(const seam::RouteBackend& backend,
                                                           std::string_view port_name) const {
    const Value labels = Value::object({{std::string(kServiceNameLabel), backend.service}});
    return service_endpoints(api_.list(api_.schema().resource("discovery.k8s.io", "endpointslices"), backend.ns,
                                       api::Selector::from_map(labels)),
                             port_name);
  }

  [[nodiscard]] bool is_granted(const seam::RouteBackend& backend) const {
    const auto from_here = [&](const Value& from) {
      return from.at("group").str() == kGatewayGroup && from.at("kind").str() == "HTTPRoute" &&
             from.at("namespace").str() == route_.ns();
    };
    const auto to_service = [&](const Value& to) {
      return to.at("group").str().empty() && to.at("kind").str() == "Service" &&
             (to.at("name").str().empty() || to.at("name").str() == backend.service);
    };
    const api::Resource& grants = api_.schema().resource(kGatewayGroup, "referencegrants");
    return std::ranges::any_of(api_.list(grants, backend.ns), [&](const api::ObjectPtr& grant) {
      return std::ranges::any_of(grant->at("spec", "from").items(), from_here) &&
             std::ranges::any_of(grant->at("spec", "to").items(), to_service);
    });
  }

  const api::Api& api_;
  const api::Object& route_;
  RouteReading out_;
};

void refuse(std::vector<api::FieldError>& errors, const Value& holder, std::string_view field,
            const std::string& where) {
  const Value* value = holder.find(field);
  if (value == nullptr || value->is_null()) return;
  errors.push_back({api::FieldError::Reason::kForbidden, where + std::string(field),
                    "this edge does not act on it, and requests would be served differently without it: remove it",
                    value->line(), value->column()});
}

std::vector<api::FieldError> find_unsupported(std::string_view kind, const Value& spec) {
  std::vector<api::FieldError> errors;
  if (kind == "HTTPRoute") {
    refuse(errors, spec, "useDefaultGateways", "spec.");
    for (std::size_t i = 0; i < spec.at("rules").size(); ++i) {
      for (const char* field : {"retry", "sessionPersistence"}) {
        refuse(errors, spec.at("rules", i), field, fmt::format("spec.rules[{}].", i));
      }
    }
  } else if (kind == "Gateway") {
    for (const char* field : {"addresses", "allowedListeners", "defaultScope", "tls"})
      refuse(errors, spec, field, "spec.");
    refuse(errors, spec.at("infrastructure"), "parametersRef", "spec.infrastructure.");
    for (std::size_t i = 0; i < spec.at("listeners").size(); ++i) {
      refuse(errors, spec.at("listeners", i), "filters", fmt::format("spec.listeners[{}].", i));
    }
  }
  return errors;
}

}  // namespace

RouteReading read_http_route(const api::Api& api, const api::Object& route) { return RouteReader(api, route).read(); }

bool hostnames_meet(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty() || a == b) return true;
  const auto covers = [](std::string_view wide, std::string_view narrow) {
    if (!wide.starts_with('*')) return false;
    const std::string_view suffix = wide.substr(1);
    return narrow.size() > suffix.size() && narrow.ends_with(suffix);
  };
  return covers(a, b) || covers(b, a);
}

void add_gateway_admission(api::Api& api) {
  api.add_admission("gateway-support", [](api::Admission& request) -> api::ApiResult<> {
    if (request.object == nullptr || request.resource->group != kGatewayGroup) return {};
    std::vector<api::FieldError> errors = find_unsupported(request.resource->kind, request.object->at("spec"));
    if (errors.empty()) return {};
    return std::unexpected(
        api::Status::invalid(*request.resource, request.object->at("metadata", "name").str(), std::move(errors)));
  });
}

}  // namespace fairlead::control
