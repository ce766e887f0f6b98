#include "engine/edge/routing_table.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "base/hash.h"
#include "base/json.h"
#include "engine/control/http_route_filters.h"

namespace fairlead::edge {
namespace {

bool is_wildcard(std::string_view host) { return host.starts_with('*'); }

/// True when every host that `narrow` stands for also matches `wide`; "" is any host.
bool covers(std::string_view wide, std::string_view narrow) {
  if (wide.empty() || wide == narrow) return true;
  if (!is_wildcard(wide)) return false;
  const std::string_view suffix = wide.substr(1);
  if (is_wildcard(narrow)) narrow.remove_prefix(1);
  return narrow.size() > suffix.size() && narrow.ends_with(suffix);
}

/// What both stand for; nothing when no host matches both.
std::optional<std::string> intersect(const std::string& listener, const std::string& route) {
  if (covers(listener, route)) return route;
  if (covers(route, listener)) return listener;
  return std::nullopt;
}

/// One way to reach a rule.
struct Entry {
  std::uint16_t listener = 0;
  std::string host;
  const seam::RouteMatch* match = nullptr;
  std::size_t rule = 0;   ///< From 1, as Lua counts.
  std::size_t order = 0;  ///< Place in the program, which decides where nothing else does.

  /// Smaller is tried earlier.
  [[nodiscard]] auto precedence() const {
    const bool exact_host = !host.empty() && !is_wildcard(host);
    const int path = match->path.type == "Exact" ? 0 : match->path.type == "RegularExpression" ? 1 : 2;
    const auto most = [](std::size_t count) { return -static_cast<std::int64_t>(count); };
    return std::tuple(!exact_host, most(host.size()), path, most(match->path.value.size()), match->method.empty(),
                      most(match->headers.size()), most(match->query.size()), order);
  }
};

void add_entries(const seam::EdgeProgram& program, const seam::Route& route, const seam::RouteRule& rule,
                 std::size_t number, std::vector<Entry>& out) {
  const std::vector<std::string> any = {""};
  std::set<std::pair<std::uint16_t, std::string>> places;
  for (const seam::Listener& listener : program.listeners) {
    if (std::ranges::find(route.listeners, listener.name) == route.listeners.end()) continue;
    for (const std::string& hostname : route.hostnames.empty() ? any : route.hostnames) {
      if (auto host = intersect(listener.hostname, hostname)) {
        places.emplace(listener.port, *std::move(host));
      }
    }
  }
  for (const auto& [listener, host] : places) {
    for (const seam::RouteMatch& match : rule.matches) out.push_back(Entry{listener, host, &match, number, out.size()});
  }
}

Value matches_value(const std::vector<seam::StringMatch>& matches, bool headers) {
  Value out = Value::array();
  for (const seam::StringMatch& match : matches) {
    const std::string name = headers ? control::lower_case(match.name) : match.name;
    out.push_back(Value::object({{"type", match.type}, {"name", name}, {"value", match.value}}));
  }
  return out;
}

std::string without_last_slashes(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}

Value entry_value(const Entry& entry) {
  const seam::StringMatch& match = entry.match->path;
  const std::string path = match.type == "PathPrefix" ? without_last_slashes(match.value) : match.value;
  return Value::object({{"port", container_port(entry.listener)},
                        {"listener", entry.listener},
                        {"host", control::lower_case(entry.host)},
                        {"path", Value::object({{"type", match.type}, {"value", path}})},
                        {"method", entry.match->method},
                        {"headers", matches_value(entry.match->headers, true)},
                        {"query", matches_value(entry.match->query, false)},
                        {"rule", entry.rule}});
}

Value header_lines(const std::vector<std::pair<std::string, std::string>>& headers) {
  Value out = Value::array();
  for (const auto& [name, value] : headers) out.push_back(Value::object({{"name", name}, {"value", value}}));
  return out;
}

void add_headers(Value& out, std::string_view key, const seam::HeaderChanges& changes) {
  if (changes == seam::HeaderChanges{}) return;
  Value removed = Value::array();
  for (const std::string& name : changes.remove) removed.push_back(name);
  out.set(key, Value::object({{"set", header_lines(changes.set)},
                              {"add", header_lines(changes.add)},
                              {"remove", std::move(removed)}}));
}

void add_path(Value& out, const std::optional<seam::PathChange>& change) {
  if (!change) return;
  const bool prefix = change->type == "ReplacePrefixMatch";
  out.set("path", Value::object({{"type", change->type},
                                 {"value", prefix ? without_last_slashes(change->value) : change->value}}));
}

/// Members are left out where nothing changes.
void add_filters(Value& out, const seam::RouteFilters& filters) {
  add_headers(out, "request_headers", filters.request);
  add_headers(out, "response_headers", filters.response);
  if (filters.redirect) {
    const seam::Redirect& from = *filters.redirect;
    Value to = Value::object({{"status", from.status}});
    if (!from.scheme.empty()) to.set("scheme", from.scheme);
    if (!from.hostname.empty()) to.set("hostname", from.hostname);
    if (from.port != 0) to.set("port", from.port);
    add_path(to, from.path);
    out.set("redirect", std::move(to));
  }
  if (filters.rewrite) {
    Value to = Value::object();
    if (!filters.rewrite->hostname.empty()) to.set("hostname", filters.rewrite->hostname);
    add_path(to, filters.rewrite->path);
    out.set("rewrite", std::move(to));
  }
}

Value backend_value(const seam::RouteBackend& backend) {
  Value endpoints = Value::array();
  for (const seam::Endpoint& endpoint : backend.endpoints) {
    endpoints.push_back(Value::object({{"ip", endpoint.ip}, {"port", endpoint.port}}));
  }
  Value out = Value::object({{"name", fmt::format("{}/{}:{}", backend.ns, backend.service, backend.port)},
                             {"weight", backend.weight},
                             {"endpoints", std::move(endpoints)}});
  if (backend.missing) out.set("missing", true);
  add_filters(out, backend.filters);
  return out;
}

Value rule_value(const seam::Route& route, const seam::RouteRule& rule, std::size_t index) {
  Value backends = Value::array();
  std::int64_t total = 0;
  for (const seam::RouteBackend& backend : rule.backends) {
    backends.push_back(backend_value(backend));
    total += backend.weight;
  }
  const std::string name = route.ns + "/" + route.name;
  Value out = Value::object({{"route", name},
                             {"key", fmt::format("rule {}/{}", name, index)},
                             {"total", total},
                             {"backends", std::move(backends)}});
  const auto seconds = [](Duration d) { return static_cast<double>(d.count()) / 1000; };
  if (rule.request_timeout) out.set("request_timeout", seconds(*rule.request_timeout));
  if (rule.backend_timeout) out.set("backend_timeout", seconds(*rule.backend_timeout));
  add_filters(out, rule.filters);
  return out;
}

}  // namespace

std::uint16_t container_port(std::uint16_t listener_port) {
  constexpr std::uint16_t kFirstUnprivileged = 1024;
  constexpr std::uint16_t kShift = 10000;
  return listener_port < kFirstUnprivileged ? static_cast<std::uint16_t>(listener_port + kShift) : listener_port;
}

Value routing_table(const seam::EdgeProgram& program) {
  std::vector<Entry> entries;
  Value rules = Value::array();
  for (const seam::Route& route : program.routes) {
    for (std::size_t i = 0; i < route.rules.size(); ++i) {
      rules.push_back(rule_value(route, route.rules[i], i));
      add_entries(program, route, route.rules[i], rules.size(), entries);
    }
  }
  std::ranges::sort(entries, {}, &Entry::precedence);
  Value list = Value::array();
  for (const Entry& entry : entries) list.push_back(entry_value(entry));
  Value out = Value::object({{"entries", std::move(list)}, {"rules", std::move(rules)}});
  return out.set("version", sha256_hex(to_json(out)));
}

Value listener_table(const seam::EdgeProgram& program) {
  std::set<std::uint16_t> ports;
  for (const seam::Listener& listener : program.listeners) ports.insert(container_port(listener.port));
  Value list = Value::array();
  for (const std::uint16_t port : ports) list.push_back(port);
  const std::string hash = sha256_hex(to_json(list));
  return Value::object({{"listeners", hash}, {"ports", std::move(list)}});
}

}  // namespace fairlead::edge
