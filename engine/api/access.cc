#include "engine/api/access.h"

#include <algorithm>

#include "engine/api/authorizer.h"
#include "engine/api/context.h"
#include "engine/api/request_options.h"
#include "engine/api/token.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kAuthenticated = "system:authenticated";

void add_authenticated(User& user) {
  if (std::ranges::find(user.groups, kAuthenticated) == user.groups.end()) user.groups.emplace_back(kAuthenticated);
}

/// The user of the certificate or token that came along; 401 without either.
ApiResult<User> identify(Context& context, const Call& call) {
  if (const auto& certificate = call.request.peer.certificate) {
    User user;
    user.name = certificate->common_name;
    user.groups = certificate->organizations;
    add_authenticated(user);
    return user;
  }
  const auto token = bearer_token(call.request.headers);
  if (!token.empty()) {
    auto user = user_of_token(context, token, {});
    if (!user) return std::unexpected(unauthorized());
    add_authenticated(*user);
    return std::move(*user);
  }
  if (!is_public(call.route.path)) return std::unexpected(unauthorized());
  User anonymous;
  anonymous.name = "system:anonymous";
  anonymous.groups = {"system:unauthenticated"};
  return anonymous;
}

Attributes impersonation(std::string_view resource, std::string_view name) {
  Attributes out;
  out.is_resource = true;
  out.verb = "impersonate";
  out.resource = std::string(resource);
  out.name = std::string(name);
  return out;
}

/// Source: k8s.io/apiserver/pkg/endpoints/filters/impersonation.go.
ApiResult<User> impersonate(Context& context, const User& user, const net::Headers& headers) {
  User other;
  other.name = std::string(headers.get("impersonate-user"));
  constexpr std::string_view kAccount = "system:serviceaccount:";
  auto wanted = impersonation("users", other.name);
  if (other.name.starts_with(kAccount)) {
    const auto account = std::string_view(other.name).substr(kAccount.size());
    const auto colon = account.find(':');
    wanted = impersonation("serviceaccounts", colon == std::string_view::npos ? "" : account.substr(colon + 1));
    wanted.ns = std::string(account.substr(0, colon));
    other.groups = {"system:serviceaccounts", "system:serviceaccounts:" + wanted.ns};
  }
  if (auto refused = refusal(context, user, wanted)) return std::unexpected(std::move(*refused));
  for (const auto field : headers) {
    if (!net::equal_ignoring_case(field.name, "impersonate-group")) continue;
    if (auto refused = refusal(context, user, impersonation("groups", field.value))) {
      return std::unexpected(std::move(*refused));
    }
    other.groups.emplace_back(field.value);
  }
  add_authenticated(other);
  return other;
}

std::string scope_text(const Attributes& a) {
  return a.ns.empty() ? std::string("at the cluster scope") : fmt::format("in the namespace \"{}\"", a.ns);
}

/// Source: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go, ForbiddenStatusError.
Status forbidden(const User& user, const Attributes& a) {
  Status status;
  status.code = 403;
  status.reason = "Forbidden";
  if (!a.is_resource) {
    status.message = fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"", user.name, a.verb, a.path);
    return status;
  }
  status.group = a.group;
  status.kind = a.resource;
  status.name = a.name;
  const auto resource = a.subresource.empty() ? a.resource : a.resource + "/" + a.subresource;
  const auto what = a.group.empty() ? a.resource : a.resource + "." + a.group;
  const auto named = a.name.empty() ? std::string() : fmt::format(" \"{}\"", a.name);
  status.message = fmt::format("{}{} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}", what,
                               named, user.name, a.verb, resource, a.group, scope_text(a));
  return status;
}

}  // namespace

Attributes attributes_of(const Route& route) {
  return {.is_resource = route.is_resource,
          .verb = route.verb,
          .group = route.group,
          .version = route.version,
          .resource = route.plural,
          .subresource = route.subresource,
          .ns = route.ns,
          .name = route.name,
          .path = route.path};
}

ApiResult<User> authenticate(Context& context, const Call& call) {
  auto user = identify(context, call);
  if (!user || !call.request.headers.has("impersonate-user")) return user;
  return impersonate(context, *user, call.request.headers);
}

std::optional<Status> refusal(Context& context, const User& user, const Attributes& attributes) {
  if (authorized(context.api, user, attributes)) return std::nullopt;
  return forbidden(user, attributes);
}

std::string_view bearer_token(const net::Headers& headers) {
  auto value = headers.get("authorization");
  if (!value.starts_with(kBearer)) return {};
  value.remove_prefix(kBearer.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

std::expected<User, std::string> user_of_token(Context& context, std::string_view token,
                                               const std::vector<std::string>& audiences) {
  if (context.parts.tokens == nullptr) return std::unexpected("this server accepts no tokens");
  return context.parts.tokens->user_of(token, audiences);
}

std::string default_audience(const Context&) { return std::string(kTokenIssuer); }

Value rules_of(Context& context, const User& user, const std::string& ns) {
  return subject_rules(context.api, user, ns);
}

bool is_public(std::string_view path) {
  return path == "/healthz" || path == "/livez" || path == "/readyz" || path == "/version" || path == "/version/";
}

void serve_token(Context& context, const CallPtr& call, const Resource&) {
  const Resource* kind = context.schema.by_kind("authentication.k8s.io", "v1", "TokenRequest");
  if (call->route.verb != "create" || kind == nullptr || context.parts.tokens == nullptr) {
    return send_status(*call, method_not_allowed());
  }
  auto request = read_object(*call, context.schema, *kind);
  if (!request) return send_status(*call, request.error());
  auto issued = context.parts.tokens->issue(call->route.ns, call->route.name, std::move(*request));
  if (!issued) return send_status(*call, issued.error());
  context.send_unstored(call, 201, std::move(*issued), context.store.revision());
}

}  // namespace fairlead::api
