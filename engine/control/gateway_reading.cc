#include <algorithm>
#include <tuple>

#include "engine/control/gateway.h"

namespace fairlead::control {
namespace {

/// allowedRoutes.namespaces.
bool admits_namespace(const api::Api& api, const api::Object& gateway, const Value& listener, std::string_view ns) {
  const Value& from = listener.at("allowedRoutes", "namespaces");
  const std::string_view which = from.at("from").string_or("Same");
  if (which == "All") return true;
  if (which == "Same") return ns == gateway.ns();
  if (which != "Selector") return false;
  const auto selector = api::Selector::from_label_selector(from.at("selector"));
  const api::ObjectPtr found = api.get(api.schema().resource("", "namespaces"), {}, ns);
  return selector && found != nullptr && selector->matches(found->at("metadata", "labels"));
}

bool admits_kind(const Value& listener) {
  const Value& kinds = listener.at("allowedRoutes", "kinds");
  return kinds.empty() || std::ranges::any_of(kinds.items(), [](const Value& kind) {
           return kind.at("kind").str() == "HTTPRoute" &&
                  kind.at("group").string_or("gateway.networking.k8s.io") == "gateway.networking.k8s.io";
         });
}

bool is_edges_own(std::int64_t port) { return port == seam::kEdgeAdminPort || port == seam::kEdgeMetricsPort; }

GatewayReading::ListenerReading read_listener(const Value& listener) {
  GatewayReading::ListenerReading out{&listener, {true, "Accepted", ""}, {true, "ResolvedRefs", ""}, 0};
  const std::int64_t port = listener.at("port").int_or(0);
  if (listener.at("protocol").str() != "HTTP") {
    out.accepted = {false, "UnsupportedProtocol",
                    fmt::format("protocol {} is not supported here: use HTTP", listener.at("protocol").str())};
  } else if (!listener.at("tls").is_null()) {
    out.accepted = {false, "UnsupportedValue", "tls is not supported here: TLS ends in front of the edge"};
  } else if (is_edges_own(port)) {
    out.accepted = {false, "PortUnavailable",
                    fmt::format("port {} is one that the edge uses itself here: use another, such as 8080", port)};
  }
  if (!admits_kind(listener)) out.resolved_refs = {false, "InvalidRouteKinds", "only HTTPRoute is supported here"};
  return out;
}

bool hostnames_meet_any(const Value& listener, const Value& hostnames) {
  const std::string_view own = listener.at("hostname").str();
  return hostnames.empty() || std::ranges::any_of(hostnames.items(), [&](const Value& hostname) {
           return hostnames_meet(own, hostname.str());
         });
}

/// How far a route gets with a listener; the farthest listener gives the reason.
enum class Reach : std::uint8_t { kNoListener, kNotAllowed, kOtherHost, kTaken };

Reach reach(const api::Api& api, const api::Object& gateway, const GatewayReading::ListenerReading& listener,
            const api::Object& route, const Value& parent) {
  const Value& spec = *listener.spec;
  const std::string_view section = parent.at("sectionName").str();
  if (!section.empty() && section != spec.at("name").str()) return Reach::kNoListener;
  if (!parent.at("port").is_null() && !(parent.at("port") == spec.at("port"))) return Reach::kNoListener;
  const bool allowed = listener.accepted.holds && admits_kind(spec) && admits_namespace(api, gateway, spec, route.ns());
  if (!allowed) return Reach::kNotAllowed;
  return hostnames_meet_any(spec, route.at("spec", "hostnames")) ? Reach::kTaken : Reach::kOtherHost;
}

/// Where one parentRef leads: adds the listeners that take the route to `attached`, or says why none does.
ConditionVerdict attach(const api::Api& api, const api::Object& gateway,
                        std::vector<GatewayReading::ListenerReading>& listeners, const api::Object& route,
                        const Value& parent, std::vector<std::string>& attached) {
  Reach farthest = Reach::kNoListener;
  for (GatewayReading::ListenerReading& listener : listeners) {
    const Reach here = reach(api, gateway, listener, route, parent);
    farthest = std::max(farthest, here);
    if (here != Reach::kTaken) continue;
    ++listener.attached;
    attached.emplace_back(listener.spec->at("name").str());
  }
  switch (farthest) {
    case Reach::kTaken:
      return {true, "Accepted", ""};
    case Reach::kOtherHost:
      return {false, "NoMatchingListenerHostname", "no hostname of the route is one of the listener's"};
    case Reach::kNotAllowed:
      return {false, "NotAllowedByListeners", fmt::format("no listener takes HTTPRoutes of namespace {}", route.ns())};
    case Reach::kNoListener:
      break;
  }
  return {false, "NoMatchingParent", "the Gateway has no listener of this sectionName and port"};
}

bool names_gateway(const Value& parent, const api::Object& route, const api::Object& gateway) {
  return parent.at("group").string_or("gateway.networking.k8s.io") == "gateway.networking.k8s.io" &&
         parent.at("kind").string_or("Gateway") == "Gateway" && parent.at("name").str() == gateway.name() &&
         parent.at("namespace").string_or(route.ns()) == gateway.ns();
}

void read_route(const api::Api& api, const api::Object& gateway, const api::ObjectPtr& route, GatewayReading& out) {
  GatewayReading::RouteAttachment attachment{route, {}, {}};
  std::vector<std::string> attached;
  for (const Value& parent : route->at("spec", "parentRefs").items()) {
    if (!names_gateway(parent, *route, gateway)) continue;
    attachment.parents.push_back({parent, attach(api, gateway, out.listeners, *route, parent, attached)});
  }
  if (attachment.parents.empty()) return;
  attachment.reading = read_http_route(api, *route);
  if (attachment.reading.accepted.holds && !attached.empty()) {
    seam::Route program{std::string(route->ns()), std::string(route->name()), {}, {}, attachment.reading.rules};
    for (const Value& hostname : route->at("spec", "hostnames").items()) program.hostnames.emplace_back(hostname.str());
    std::ranges::sort(attached);
    const auto repeated = std::ranges::unique(attached);
    attached.erase(repeated.begin(), repeated.end());
    program.listeners = std::move(attached);
    out.program.routes.push_back(std::move(program));
  }
  out.routes.push_back(std::move(attachment));
}

/// Pods of the edge that have an address and a running container.
std::vector<seam::EdgePod> find_pods(const api::Api& api, const api::Object& gateway) {
  std::vector<seam::EdgePod> out;
  for (const api::ObjectPtr& pod : api.list(api.schema().resource("", "pods"), gateway.ns())) {
    if (pod->label(kGatewayNameLabel) != gateway.name() || pod->deleting()) continue;
    const Value& container = pod->at("status", "containerStatuses", 0);
    const std::string_view ip = pod->at("status", "podIP").str();
    if (ip.empty() || !container.at("state").has("running")) continue;
    const std::int64_t restarts = container.at("restartCount").int_or(0);
    out.push_back({std::string(ip), fmt::format("{} {}", container.at("containerID").str(), restarts)});
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

GatewayReading read_gateway(const api::Api& api, const api::Object& gateway) {
  GatewayReading out;
  out.program.gateway_ns = gateway.ns();
  out.program.gateway = gateway.name();
  out.program.pods = find_pods(api, gateway);
  for (const Value& listener : gateway.at("spec", "listeners").items()) {
    GatewayReading::ListenerReading reading = read_listener(listener);
    if (reading.accepted.holds) {
      out.program.listeners.push_back({std::string(listener.at("name").str()),
                                       static_cast<std::uint16_t>(listener.at("port").int_or(0)),
                                       std::string(listener.at("hostname").str())});
    }
    out.listeners.push_back(std::move(reading));
  }
  std::vector<api::ObjectPtr> routes = api.list(api.schema().resource("gateway.networking.k8s.io", "httproutes"));
  std::ranges::sort(routes, {}, [](const api::ObjectPtr& route) {
    return std::tuple(route->at("metadata", "creationTimestamp").str(), route->ns(), route->name());
  });
  for (const api::ObjectPtr& route : routes) read_route(api, gateway, route, out);
  return out;
}

}  // namespace fairlead::control
