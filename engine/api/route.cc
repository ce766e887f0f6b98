#include "engine/api/route.h"

#include <algorithm>
#include <cctype>
#include <span>

#include "net/http_message.h"

namespace fairlead::api {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string verb_of(std::string_view method) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return "get";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return lower(method);
}

/// The value that "metadata.name=x" asks for, or "".
std::string selected_name(std::string_view field_selector) {
  constexpr std::string_view kPrefix = "metadata.name=";
  while (!field_selector.empty()) {
    const auto end = std::min(field_selector.find(','), field_selector.size());
    auto term = field_selector.substr(0, end);
    field_selector.remove_prefix(std::min(end + 1, field_selector.size()));
    if (!term.starts_with(kPrefix)) continue;
    term.remove_prefix(kPrefix.size());
    if (term.starts_with('=')) term.remove_prefix(1);
    return std::string(term);
  }
  return {};
}

/// Namespaces are objects too: these are their subresources, not resources inside them.
bool is_namespace_subresource(std::string_view segment) { return segment == "status" || segment == "finalize"; }

void read_resource(Route& route, std::span<const std::string> parts) {
  if (parts.size() > 1 && parts[0] == "namespaces") {
    route.ns = parts[1];
    if (parts.size() > 2 && !is_namespace_subresource(parts[2])) parts = parts.subspan(2);
  }
  if (parts.empty()) return;
  route.is_resource = true;
  route.plural = parts[0];
  if (parts.size() > 1) route.name = parts[1];
  if (parts.size() > 2) route.subresource = parts[2];
  for (std::size_t i = 3; i < parts.size(); ++i) route.rest += (i > 3 ? "/" : "") + parts[i];
}

}  // namespace

std::vector<std::string> path_segments(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) out.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return out;
}

Route parse_route(std::string_view method, std::string_view path, const Query& query) {
  Route route;
  route.verb = lower(method);
  const auto decoded = net::percent_decode(path);
  if (!decoded) return route;
  route.path = *decoded;
  const auto parts = path_segments(*decoded);
  const bool legacy = !parts.empty() && parts[0] == "api";
  const bool grouped = !parts.empty() && parts[0] == "apis";
  const std::size_t prefix = legacy ? 2 : 3;
  if ((!legacy && !grouped) || parts.size() <= prefix) return route;

  route.group = legacy ? "" : parts[1];
  route.version = parts[prefix - 1];
  std::span<const std::string> rest(parts);
  rest = rest.subspan(prefix);
  route.verb = verb_of(method);
  const bool watch_prefix = rest[0] == "watch";
  if (watch_prefix) rest = rest.subspan(1);
  read_resource(route, rest);
  route.collection = route.name.empty();
  if (route.collection && route.verb == "get") {
    route.verb = query.flag("watch") ? "watch" : "list";
    route.name = selected_name(query.get("fieldSelector"));
  } else if (route.collection && route.verb == "delete") {
    route.verb = "deletecollection";
  }
  if (watch_prefix) route.verb = "watch";
  return route;
}

}  // namespace fairlead::api
