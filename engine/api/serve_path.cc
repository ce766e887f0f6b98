// Paths that name no resource: discovery, version, health, OpenAPI, metrics.
#include <set>

#include "engine/api/context.h"
#include "engine/api/log_streams.h"

namespace fairlead::api {
namespace {

void send_discovery(Context& context, const CallPtr& call, std::string_view path) {
  const auto discovery = context.discovery();
  if (call->accept.form == Form::kDiscovery) {
    const auto* document = discovery->aggregated(path, call->accept.version);
    if (document == nullptr) return send_status(*call, unknown_resource());
    net::Response response{.status = 200, .headers = {}, .body = {}};
    response.headers.add("ETag", document->etag);
    response.headers.add("Vary", "Accept");
    response.headers.add("Cache-Control", "public");
    if (call->request.headers.get("if-none-match") == document->etag) {
      response.status = 304;
    } else {
      response.headers.add("Content-Type", call->accept.content_type());
      response.body = document->json;
    }
    return call->response.send(response);
  }
  const auto* document = discovery->document(path);
  if (document == nullptr) return send_text(*call, 404, "404 page not found\n");
  send_json(*call, 200, document->json);
}

Value version(const Context& context) {
  return Value::object({{"major", "1"},
                        {"minor", "36"},
                        {"gitVersion", context.git_version},
                        {"gitCommit", ""},
                        {"gitTreeState", ""},
                        {"buildDate", "1970-01-01T00:00:00Z"},
                        {"goVersion", ""},
                        {"compiler", ""},
                        {"platform", "linux/amd64"}});
}

void send_paths(Context& context, const CallPtr& call) {
  std::set<std::string> paths = {"/fairlead/v1/http_sd", "/healthz",    "/livez",  "/metrics",
                                 "/openapi/v2",          "/openapi/v3", "/readyz", "/version"};
  for (const auto& path : context.discovery()->group_version_paths()) {
    paths.insert("/" + path);
    paths.insert("/" + path.substr(0, path.rfind('/')));
  }
  Value list = Value::array();
  for (const auto& path : paths) list.push_back(path);
  send_value(*call, 200, Value::object({{"paths", std::move(list)}}));
}

void send_metrics(Context& context, const CallPtr& call) {
  std::string out;
  context.metrics->append(out);
  out += "# HELP apiserver_storage_objects Objects stored, by resource.\n# TYPE apiserver_storage_objects gauge\n";
  for (const Resource* resource : context.schema.stored()) {
    const auto count = context.store.count(*resource);
    if (count == 0) continue;
    const auto name = resource->group.empty() ? resource->plural : resource->plural + "." + resource->group;
    out += fmt::format("apiserver_storage_objects{{resource=\"{}\"}} {}\n", name, count);
  }
  const auto gauge = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n{0} {2}\n", name, help, value);
  };
  gauge("apiserver_longrunning_requests", "Watches open.", context.watches());
  gauge("fairlead_log_streams", "Container logs being read.", context.logs->size());
  gauge("fairlead_store_revision", "Newest revision of the store.", context.store.revision());
  gauge("fairlead_store_durable_revision", "Newest revision that is on disk.", context.store.durable_revision());
  send_text(*call, 200, std::move(out), "text/plain; version=0.0.4; charset=utf-8");
}

std::string_view without_trailing_slash(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

/// "ok", or with ?verbose a line for each check.
void send_health(Context& context, const CallPtr& call, std::string_view path) {
  const auto& failure = context.store.failure();
  if (!failure && !call->query.has("verbose")) return send_text(*call, 200, "ok");
  std::string out = "[+]ping ok\n";
  out += failure ? "[-]journal failed: " + failure->to_string() + "\n" : "[+]journal ok\n";
  out += fmt::format("{} check {}\n", path.substr(1), failure ? "failed" : "passed");
  send_text(*call, failure ? 500 : 200, std::move(out));
}

}  // namespace

void serve_path(Context& context, const CallPtr& call) {
  const auto path = without_trailing_slash(call->route.path);
  if (call->route.verb != "get" && call->route.verb != "head") return send_status(*call, method_not_allowed());
  if (path == "/healthz" || path == "/livez" || path == "/readyz") return send_health(context, call, path);
  if (path == "/healthz/ping" || path == "/livez/ping" || path == "/readyz/ping") return send_text(*call, 200, "ok");
  if (path == "/version") return send_value(*call, 200, version(context));
  if (path == "/api" || path == "/apis" || path.starts_with("/api/") || path.starts_with("/apis/")) {
    return send_discovery(context, call, path);
  }
  if (path == "/openapi/v2" || path.starts_with("/openapi/v3")) return serve_openapi(context, call);
  if (path == "/metrics") return send_metrics(context, call);
  if (path == "/fairlead/v1/http_sd") return serve_targets(context, call);
  if (path == "/") return send_paths(context, call);
  send_text(*call, 404, "404 page not found\n");
}

}  // namespace fairlead::api
