// What hangs below an object: status, scale, log, binding, eviction, token.
#include <algorithm>

#include "engine/api/context.h"
#include "engine/api/request_options.h"
#include "engine/api/scale.h"

namespace fairlead::api {
namespace {

void serve_scale(Context& context, const CallPtr& call, const Resource& served) {
  const auto& verb = call->route.verb;
  if (verb == "get") {
    const auto object = context.store.get({served.storage, call->route.ns, call->route.name});
    if (!object) return send_status(*call, Status::not_found(served, call->route.name));
    if (auto fine = check_scalable(served, *object); !fine) return send_status(*call, fine.error());
    return context.send_unstored(call, 200, scale_of(served, *object), object->revision());
  }
  if (verb == "patch") return patch_object(context, call, served, Subresource::kScale);
  const Resource* scale = context.schema.by_kind("autoscaling", "v1", "Scale");
  FAIRLEAD_ASSERT(scale != nullptr);
  if (verb == "update") return update_object(context, call, served, *scale, Subresource::kScale);
  send_status(*call, method_not_allowed());
}

void serve_whole(Context& context, const CallPtr& call, const Resource& served, Subresource subresource) {
  const auto& verb = call->route.verb;
  if (verb == "get") return serve_object(context, call, served);
  if (verb == "patch") return patch_object(context, call, served, subresource);
  if (verb == "update") return update_object(context, call, served, served, subresource);
  send_status(*call, method_not_allowed());
}

Value success(int code) {
  return Value::object(
      {{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", Value::object()}, {"status", "Success"}, {"code", code}});
}

/// Binding and eviction: a POST whose body is no part of the object, and names it where the path does not.
void serve_action(Context& context, const CallPtr& call, const Resource& served, const Resource* body_kind,
                  Subresource subresource) {
  if (call->route.verb != "create" || body_kind == nullptr) return send_status(*call, method_not_allowed());
  auto body = read_object(*call, context.schema, *body_kind);
  if (!body) return send_status(*call, body.error());
  const auto options = read_write_options(*call, "CreateOptions");
  if (!options) return send_status(*call, options.error());
  const auto name = call->route.name.empty() ? std::string(body->at("metadata", "name").str()) : call->route.name;
  if (name.empty()) return send_status(*call, Status::bad_request("Name parameter required."));
  const Key key{served.storage, call->route.ns, name};
  const auto done = context.api.update(key, std::move(*body), subresource, *options);
  if (!done) return send_status(*call, done.error());
  context.send_unstored(call, 201, success(201), context.store.revision());
}

bool is_connect(std::string_view subresource) {
  return subresource == "exec" || subresource == "attach" || subresource == "portforward" || subresource == "proxy";
}

}  // namespace

void serve_bindings(Context& context, const CallPtr& call, const Resource& bindings) {
  serve_action(context, call, context.schema.resource("", "pods"), &bindings, Subresource::kBinding);
}

void serve_subresource(Context& context, const CallPtr& call, const Resource& served) {
  const auto& name = call->route.subresource;
  if (std::ranges::find(served.subresources, name, &ServedSubresource::name) == served.subresources.end()) {
    return send_status(*call, unknown_resource());
  }
  if (name == "status" || name == "approval") return serve_whole(context, call, served, Subresource::kStatus);
  if (name == "finalize") return serve_whole(context, call, served, Subresource::kFinalize);
  if (name == "scale") return serve_scale(context, call, served);
  if (name == "log") return serve_log(context, call, served);
  if (name == "token") return serve_token(context, call, served);
  const auto& schema = context.schema;
  if (name == "binding") {
    return serve_action(context, call, served, schema.by_kind("", "v1", "Binding"), Subresource::kBinding);
  }
  if (name == "eviction") {
    return serve_action(context, call, served, schema.by_kind("policy", "v1", "Eviction"), Subresource::kEviction);
  }
  const auto what = served.plural + "/" + name;
  send_status(*call,
              not_implemented(is_connect(name) ? fmt::format("{} is not served: this API server opens no streams into "
                                                             "containers; read their logs instead",
                                                             what)
                                               : fmt::format("{} is not served by this API server", what)));
}

}  // namespace fairlead::api
