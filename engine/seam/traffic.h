// What the edge must do, computed by control from Gateways and HTTPRoutes, and carried out by nginx or by arithmetic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "engine/seam/executor.h"
#include "engine/seam/network.h"

namespace fairlead::seam {

/// Ports of the edge's pod that are its own: no listener can have them. One takes orders, the other shows metrics.
inline constexpr std::uint16_t kEdgeAdminPort = 8081;
inline constexpr std::uint16_t kEdgeMetricsPort = 9145;

/// How a name or value is compared: gateway.networking.k8s.io "Exact", "PathPrefix", "RegularExpression".
struct StringMatch {
  std::string type;
  std::string name;  ///< Header or query parameter; empty for the path.
  std::string value;
  friend auto operator<=>(const StringMatch&, const StringMatch&) = default;
};

struct RouteMatch {
  StringMatch path{"PathPrefix", "", "/"};
  std::string method;  ///< Empty: any.
  std::vector<StringMatch> headers;
  std::vector<StringMatch> query;
  friend auto operator<=>(const RouteMatch&, const RouteMatch&) = default;
};

/// Changes of a message's headers, in this order. A name stands once in each list, whatever its case.
struct HeaderChanges {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::pair<std::string, std::string>> add;  ///< What is there already stays.
  std::vector<std::string> remove;
  friend auto operator<=>(const HeaderChanges&, const HeaderChanges&) = default;
};

/// Another path for a request: the whole of it, or what stands for the prefix that was matched.
struct PathChange {
  std::string type;  ///< "ReplaceFullPath" or "ReplacePrefixMatch".
  std::string value;
  friend auto operator<=>(const PathChange&, const PathChange&) = default;
};

/// An answer that sends the client elsewhere. What is empty is as in the request.
struct Redirect {
  std::string scheme;
  std::string hostname;
  std::optional<PathChange> path;
  std::uint16_t port = 0;  ///< 0: that of the scheme, or without one the listener's.
  int status = 302;
  friend auto operator<=>(const Redirect&, const Redirect&) = default;
};

/// What a backend is asked instead of what the client asked.
struct UrlRewrite {
  std::string hostname;  ///< Empty: as the client said.
  std::optional<PathChange> path;
  friend auto operator<=>(const UrlRewrite&, const UrlRewrite&) = default;
};

/// What is changed on the way. `redirect` and `rewrite` are a rule's, never a backend's.
struct RouteFilters {
  HeaderChanges request;
  HeaderChanges response;
  std::optional<Redirect> redirect;
  std::optional<UrlRewrite> rewrite;
  friend auto operator<=>(const RouteFilters&, const RouteFilters&) = default;
};

struct RouteBackend {
  std::string ns;
  std::string service;
  std::uint16_t port = 0;
  std::int32_t weight = 1;
  /// Those that take traffic, sorted. Empty: 503 for this backend's share, as Gateway API says.
  std::vector<Endpoint> endpoints;
  bool missing = false;  ///< The reference leads nowhere or may not be followed: 500 for its share.
  RouteFilters filters{};
  friend auto operator<=>(const RouteBackend&, const RouteBackend&) = default;
};

struct RouteRule {
  std::vector<RouteMatch> matches;  ///< Any of them; never empty.
  std::vector<RouteBackend> backends;
  /// From the request's beginning to the answer's end. 0: no limit; nothing: as the edge has it.
  std::optional<Duration> request_timeout;
  /// From the moment a backend is asked to the end of its answer, likewise.
  std::optional<Duration> backend_timeout;
  RouteFilters filters{};
  friend auto operator<=>(const RouteRule&, const RouteRule&) = default;
};

struct Route {
  std::string ns;
  std::string name;
  std::vector<std::string> hostnames;  ///< "shop.example", "*.example"; empty: every host of the listener.
  std::vector<std::string> listeners;  ///< Names of the listeners it is attached to.
  std::vector<RouteRule> rules;
  friend auto operator<=>(const Route&, const Route&) = default;
};

struct Listener {
  std::string name;
  std::uint16_t port = 0;
  std::string hostname;  ///< Empty: any.
  friend auto operator<=>(const Listener&, const Listener&) = default;
};

/// A pod that carries the edge.
struct EdgePod {
  std::string ip;
  std::string instance;  ///< Differs after every restart of its container, which forgets what it was told.
  friend auto operator<=>(const EdgePod&, const EdgePod&) = default;
};

struct EdgeProgram {
  std::string gateway_ns;
  std::string gateway;
  std::vector<EdgePod> pods;  ///< Where it runs, sorted: pods labelled gateway.networking.k8s.io/gateway-name.
  std::vector<Listener> listeners;
  std::vector<Route> routes;  ///< In order of precedence: oldest first, then by namespace and name.
  friend bool operator==(const EdgeProgram&, const EdgeProgram&) = default;
};

class Traffic {
 public:
  virtual ~Traffic() = default;
  /// Makes the edge of the program's Gateway be `program`, whole; `done` once every new request follows it. A call for
  /// the same Gateway while another is under way takes its place, and both are answered when the later one is in force.
  /// Gateways do not wait for each other. Changes of weights and endpoints alone lose no request and need no reload.
  virtual void apply(EdgeProgram program, Done<> done) = 0;
};

}  // namespace fairlead::seam
