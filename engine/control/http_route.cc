#include "engine/control/http_route.h"

#include <algorithm>
#include <array>
#include <optional>

#include <re2/re2.h>

#include "engine/control/http_route_filters.h"
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

  seam::RouteFilters take(FilterReading reading) {
    if (!reading.unsupported.empty()) unsupported(std::move(reading.unsupported));
    return std::move(reading.filters);
  }

  seam::RouteRule read_rule(const Value& rule, const std::string& where) {
    seam::RouteRule out;
    for (std::size_t i = 0; i < rule.at("matches").size(); ++i) {
      out.matches.push_back(read_match(rule.at("matches", i), fmt::format("{}.matches[{}]", where, i)));
    }
    if (out.matches.empty()) out.matches.emplace_back();
    out.filters = take(read_rule_filters(rule, out.matches, where));
    const Value& backends = rule.at("backendRefs");
    if (out.filters.redirect && !backends.empty()) {
      unsupported(fmt::format("{}: RequestRedirect asks no backend: remove the filter or backendRefs", where));
    }
    for (std::size_t i = 0; i < backends.size(); ++i) {
      const std::string place = fmt::format("{}.backendRefs[{}]", where, i);
      out.backends.push_back(read_backend(backends.at(i), place));
      out.backends.back().filters = take(read_backend_filters(backends.at(i), place));
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
    return *duration;
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
    keep_first_header(out.headers);
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
    } else if (const std::string_view protocol = port->at("appProtocol").str(); !speaks(protocol)) {
      unresolved("UnsupportedProtocol",
                 fmt::format("{}: port {} of Service {}/{} has appProtocol {}: this edge speaks HTTP/1.1 without TLS, "
                             "and WebSockets, to backends",
                             where, out.port, out.ns, out.service, protocol));
    } else {
      out.missing = false;
      out.endpoints = find_endpoints(out, port->at("name").str());
    }
    return out;
  }

  /// kubernetes.io/ws is HTTP/1.1 that may be upgraded, which every backend may ask for here. What is not known is
  /// taken for HTTP, as a Service without appProtocol is.
  static bool speaks(std::string_view app_protocol) {
    constexpr std::array<std::string_view, 6> kOthers = {
        "kubernetes.io/h2c", "kubernetes.io/wss", "grpc", "h2c", "https", "tls"};
    return std::ranges::find(kOthers, app_protocol) == kOthers.end();
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

}  // namespace fairlead::control
