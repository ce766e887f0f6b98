// From a path that names a resource to the handler for what is asked of it.
#include <algorithm>

#include "engine/api/context.h"

namespace fairlead::api {
namespace {

bool is_review(const Resource& resource) {
  return resource.group == "authentication.k8s.io" || resource.group == "authorization.k8s.io";
}

/// Collections across namespaces can be listed and watched; everything else needs the namespace that the kind has.
bool scope_fits(const Route& route, const Resource& resource) {
  if (!resource.namespaced) return route.ns.empty() || (resource.plural == "namespaces" && route.ns == route.name);
  return !route.ns.empty() || (route.collection && (route.verb == "list" || route.verb == "watch"));
}

bool has_verb(const Resource& resource, std::string_view verb) {
  return std::ranges::find(resource.verbs, verb) != resource.verbs.end();
}

}  // namespace

void serve_resource(Context& context, const CallPtr& call) {
  auto& route = call->route;
  if (route.group == "metrics.k8s.io" && route.version == "v1beta1") return serve_usage(context, call);
  const Resource* served = context.schema.by_plural(route.group, route.version, route.plural);
  if (served == nullptr) {
    const auto group_version = route.group.empty() ? route.version : route.group + "/" + route.version;
    if (!context.discovery()->serves(group_version)) return send_text(*call, 404, "404 page not found\n");
    return send_status(*call, unknown_resource());
  }
  if (!scope_fits(route, *served)) {
    const bool wrong_method = served->namespaced && route.ns.empty() && route.collection;
    return send_status(*call, wrong_method ? method_not_allowed() : unknown_resource());
  }
  if (!served->namespaced) route.ns.clear();
  if (!route.subresource.empty()) return serve_subresource(context, call, *served);
  if (is_review(*served)) {
    return route.verb == "create" ? serve_review(context, call, *served) : send_status(*call, method_not_allowed());
  }
  if (served->group.empty() && served->kind == "Binding") return serve_bindings(context, call, *served);
  const bool one = !route.collection;
  if (!has_verb(*served, route.verb) || (one && route.verb == "create"))
    return send_status(*call, method_not_allowed());
  if (one && route.verb != "watch") return serve_object(context, call, *served);
  serve_collection(context, call, *served);
}

}  // namespace fairlead::api
