#include "engine/api/server.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/json.h"
#include "engine/api/access.h"
#include "engine/api/context.h"
#include "engine/api/log_streams.h"
#include "net/http_server.h"

namespace fairlead::api {
namespace {

/// Paths are anybody's to invent, series are not: only a resource that is served has a name in metrics.
std::string counted_resource(const Schema& schema, const Route& route) {
  const bool usage = route.group == "metrics.k8s.io";  // Computed, so it is in no schema; its resources are core's too.
  const Resource* served =
      usage ? schema.by_plural("", "v1", route.plural) : schema.by_plural(route.group, route.version, route.plural);
  if (served == nullptr) return {};
  if (route.subresource.empty()) return served->plural;
  const auto& known = served->subresources;
  const bool found = std::ranges::find(known, route.subresource, &ServedSubresource::name) != known.end();
  return found ? route.full_resource() : std::string();
}

Status too_large() {
  Status status;
  status.code = 413;
  status.reason = "RequestEntityTooLarge";
  status.message = fmt::format("Request entity too large: limit is {}", kMaxBody);
  return status;
}

/// Wire thread: clients of the API read a Status, whoever refuses them.
net::Response refused_unread(const net::ParseError& why) {
  Status status = Status::bad_request(why.message);
  if (why.status == 413) {
    status = too_large();
  } else if (why.status != 400) {
    status.code = why.status;
    status.reason.clear();
  }
  return {.status = why.status, .headers = {{"Content-Type", "application/json"}}, .body = to_json(status.to_value())};
}

/// Control thread: who is it, may they, and then do it.
void serve(Context& context, const CallPtr& call) {
  call->counted = counted_resource(context.schema, call->route);
  if (call->request.body.size() > kMaxBody) return send_status(*call, too_large());
  auto user = authenticate(context, *call);
  if (!user) return send_status(*call, user.error());
  call->user = std::move(*user);
  if (!is_public(call->route.path)) {
    if (const auto refused = refusal(context, call->user, attributes_of(call->route)))
      return send_status(*call, *refused);
  }
  if (call->route.is_resource) return serve_resource(context, call);
  serve_path(context, call);
}

bool is_discovery(const Route& route) {
  return !route.is_resource && (route.path.starts_with("/api") || route.path.starts_with("/apis"));
}

/// Wire thread: whether the body behind this head is read before anybody knows who sends it. Whoever is turned away
/// here is also nobody to `authenticate`, which asks more: that the token is in time and its account lives.
bool reads_body(const net::Request& head, const std::optional<TokenKey>& key) {
  if (head.peer.certificate) return true;
  std::size_t length = 0;
  const auto announced = head.headers.get("content-length");
  const auto [end, error] = std::from_chars(announced.data(), announced.data() + announced.size(), length);
  if (!announced.empty() && error == std::errc{} && length <= kMaxStrangersBody) return true;
  const auto token = bearer_token(head.headers);
  return key && !token.empty() && key->verify(token).has_value();
}

/// Wire thread: everything that needs neither the store nor the schema.
void receive(const std::weak_ptr<Context>& weak, seam::Executor& control, const std::shared_ptr<ServerMetrics>& metrics,
             net::Request request, net::ResponseWriter response) {
  auto call = std::make_shared<Call>();
  call->started = std::chrono::steady_clock::now();
  call->metrics = metrics;
  call->request = std::move(request);
  call->response = std::move(response);
  call->query = Query::parse(call->request.query());
  call->route = parse_route(call->request.method, call->request.path(), call->query);
  const bool resource = call->route.is_resource;
  const auto accept = negotiate(call->request.headers.get("accept"), is_discovery(call->route));
  if (accept) {
    call->accept = *accept;
  } else if (resource && call->route.subresource != "log") {
    return send_status(*call, not_acceptable());
  }
  if (resource && call->request.body.size() <= kMaxBody) call->body = read_body(call->request);
  control.post([weak, call] {
    const auto context = weak.lock();
    if (context && !context->stopped) serve(*context, call);
  });
}

}  // namespace

struct Server::Impl {
  std::shared_ptr<Context> context;
  std::vector<std::unique_ptr<net::HttpServer>> servers;  // Gone first: nothing new arrives while the rest goes.
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  impl_->context->stopped = true;
  impl_->context->logs->clear();
  impl_->servers.clear();
}

Result<std::unique_ptr<Server>> Server::start(ServerParts parts, const ServerOptions& options) {
  auto impl = std::make_unique<Impl>();
  auto& control = parts.control;
  impl->context = std::make_shared<Context>(std::move(parts), options);
  const std::weak_ptr<Context> weak = impl->context;
  const auto metrics = impl->context->metrics;
  const auto* tokens = impl->context->parts.tokens;
  const auto key = tokens == nullptr ? std::nullopt : std::optional(tokens->key());
  for (const auto& listener : options.listeners) {
    net::ServerOptions wire;
    wire.address = listener.address;
    wire.port = listener.port;
    wire.listen_fd = listener.fd;
    wire.threads = options.wire_threads;
    wire.tls = net::TlsServerOptions{
        .certificate = options.pki.server.certificate, .key = options.pki.server.key, .client_ca = options.pki.ca};
    wire.limits.parser.body_bytes = kMaxBody + 1024 * 1024;  // What is a little too large gets an answer, not a cut.
    wire.reads_body = [key](const net::Request& head) { return reads_body(head, key); };
    wire.refusal = refused_unread;
    wire.limits.stream_buffer = kMaxUnsent;
    wire.limits.write = std::chrono::minutes(2);
    auto server =
        net::HttpServer::start(std::move(wire), [weak, &control, metrics](net::Request request, net::ResponseWriter w) {
          receive(weak, control, metrics, std::move(request), std::move(w));
        });
    if (!server) {
      return std::unexpected(
          wrap(fmt::format("the API server cannot listen on {}:{}", listener.address, listener.port), server.error()));
    }
    impl->servers.push_back(std::move(*server));
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port(std::size_t listener) const { return impl_->servers.at(listener)->port(); }

void Server::drain(std::chrono::milliseconds grace) {
  for (const auto& server : impl_->servers) server->drain(grace);
}

}  // namespace fairlead::api
