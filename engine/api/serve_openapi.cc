// /openapi/v3: an index of documents, each under a hash that clients cache on disk; and what is left of /openapi/v2.
#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "engine/api/context.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kIndex = "/openapi/v3";

/// A name for what the document of `path` says now. It need not be a hash of the document: it must change when that
/// does, which happens with another program and with every definition.
std::string version_of(const Context& context, std::string_view path) {
  std::uint64_t newest = 0;
  const auto& definitions = context.schema.resource("apiextensions.k8s.io", "customresourcedefinitions");
  std::size_t count = 0;
  context.store.each(definitions, {}, [&](const ObjectPtr& object) {
    newest = std::max(newest, object->revision());
    ++count;
    return true;
  });
  return sha256_hex(fmt::format("{} {} {} {}", context.instance, path, newest, count));
}

void send_index(Context& context, const CallPtr& call) {
  Value paths = Value::object();
  for (const auto& path : context.discovery()->group_version_paths()) {
    if (path.starts_with("apis/metrics.k8s.io/")) continue;  // Computed: its kinds are not in the table.
    const auto url = fmt::format("{}/{}?hash={}", kIndex, path, version_of(context, path));
    paths.set(path, Value::object({{"serverRelativeURL", url}}));
  }
  send_value(*call, 200, Value::object({{"paths", std::move(paths)}}));
}

/// kubectl falls back to version 2 for kinds that cannot be patched (reviews) or that nobody serves. A document without
/// definitions makes it leave validation to the server, which is as strict.
void send_version_2(const CallPtr& call) {
  if (call->request.headers.get("accept").find("com.github.proto-openapi.spec.v2") == std::string_view::npos) {
    const Value info = Value::object({{"title", "Kubernetes"}, {"version", "unversioned"}});
    return send_value(*call, 200, Value::object({{"swagger", "2.0"}, {"info", info}, {"paths", Value::object()}}));
  }
  // openapi.v2.Document{swagger: "2.0"}. Source: github.com/google/gnostic-models/openapiv2/OpenAPIv2.proto.
  net::Response response{.status = 200,
                         .headers = {},
                         .body =
                             "\x0a\x03"
                             "2.0"};
  response.headers.add("Content-Type", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  call->response.send(response);
}

}  // namespace

void serve_openapi(Context& context, const CallPtr& call) {
  const std::string_view path = call->route.path;
  if (path == "/openapi/v2") return send_version_2(call);
  if (path == kIndex || path == "/openapi/v3/") return send_index(context, call);
  if (!path.starts_with("/openapi/v3/")) return send_text(*call, 404, "404 page not found\n");
  const auto name = path.substr(kIndex.size() + 1);
  auto document = context.schema.openapi_v3(name);
  if (document.empty()) return send_text(*call, 404, "404 page not found\n");
  const auto version = version_of(context, name);
  const auto asked = call->query.get("hash");
  net::Response response{.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = {}};
  response.headers.add("ETag", fmt::format("\"{}\"", version));
  response.headers.add("Vary", "Accept");
  if (!asked.empty() && asked != version) {
    response.status = 301;
    response.headers.add("Location", fmt::format("{}/{}?hash={}", kIndex, name, version));
  } else if (call->request.headers.get("if-none-match") == fmt::format("\"{}\"", version)) {
    response.status = 304;
  } else {
    if (!asked.empty()) response.headers.add("Cache-Control", "public, immutable");
    response.body = std::move(document);
  }
  call->response.send(response);
}

}  // namespace fairlead::api
