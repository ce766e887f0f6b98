#include "engine/api/access.h"

#include <algorithm>

#include "engine/api/authorizer.h"
#include "engine/api/context.h"
#include "engine/api/metadata.h"
#include "engine/api/request_options.h"
#include "engine/api/token.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kBearer = "bearer ";
constexpr std::string_view kAuthenticated = "system:authenticated";
constexpr std::string_view kUnauthenticated = "system:unauthenticated";
constexpr std::string_view kAnonymous = "system:anonymous";

bool has_group(const User& user, std::string_view group) {
  return std::ranges::find(user.groups, group) != user.groups.end();
}

void add_authenticated(User& user) {
  if (!has_group(user, kAuthenticated)) user.groups.emplace_back(kAuthenticated);
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
    auto known = user_of_token(context, token, {});
    if (!known) return std::unexpected(unauthorized());
    add_authenticated(known->user);
    return std::move(known->user);
  }
  if (!is_public(call.route.path)) return std::unexpected(unauthorized());
  User anonymous;
  anonymous.name = kAnonymous;
  anonymous.groups = {std::string(kUnauthenticated)};
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

/// Who a service account is, and what must be allowed to become it.
Attributes as_service_account(std::string_view account, std::vector<std::string>& groups) {
  const auto colon = account.find(':');
  auto out = impersonation("serviceaccounts", colon == std::string_view::npos ? "" : account.substr(colon + 1));
  out.ns = std::string(account.substr(0, colon));
  if (groups.empty()) groups = {"system:serviceaccounts", "system:serviceaccounts:" + out.ns};
  return out;
}

/// What Impersonate-Group, Impersonate-Uid and Impersonate-Extra-… add to `other`, and the permissions that they need.
std::vector<Attributes> read_impersonation(const net::Headers& headers, User& other) {
  constexpr std::string_view kExtra = "impersonate-extra-";
  std::vector<Attributes> out;
  for (const auto field : headers) {
    std::string name(field.name);
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + ('a' - 'A')) : c; });
    if (name == "impersonate-group") {
      other.groups.emplace_back(field.value);
      out.push_back(impersonation("groups", field.value));
    } else if (name == "impersonate-uid") {
      other.uid = std::string(field.value);
      out.push_back(impersonation("uids", field.value));
      out.back().group = "authentication.k8s.io";
    } else if (name.starts_with(kExtra)) {
      const std::string key = net::percent_decode(name.substr(kExtra.size())).value_or(name.substr(kExtra.size()));
      other.extra[key].emplace_back(field.value);
      out.push_back(impersonation("userextras", field.value));
      out.back().group = "authentication.k8s.io";
      out.back().subresource = key;
    }
  }
  return out;
}

/// Source: k8s.io/apiserver/pkg/endpoints/filters/impersonation/impersonation.go.
ApiResult<User> impersonate(Context& context, const User& user, const net::Headers& headers) {
  User other;
  other.name = std::string(headers.get("impersonate-user"));
  std::vector<Attributes> needed = read_impersonation(headers, other);
  if (other.name.empty()) {
    if (needed.empty()) return user;
    return std::unexpected(
        Status::bad_request("a uid, groups or extra were requested without impersonating a user: send "
                            "Impersonate-User, too"));
  }
  constexpr std::string_view kAccount = "system:serviceaccount:";
  needed.insert(needed.begin(),
                other.name.starts_with(kAccount)
                    ? as_service_account(std::string_view(other.name).substr(kAccount.size()), other.groups)
                    : impersonation("users", other.name));
  for (const Attributes& one : needed) {
    if (auto refused = refusal(context, user, one)) return std::unexpected(std::move(*refused));
  }
  if (other.name == kAnonymous) {
    if (!has_group(other, kUnauthenticated)) other.groups.emplace_back(kUnauthenticated);
  } else if (!has_group(other, kUnauthenticated)) {
    add_authenticated(other);
  }
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
  return user ? impersonate(context, *user, call.request.headers) : user;
}

std::optional<Status> refusal(Context& context, const User& user, const Attributes& attributes) {
  if (authorized(context.api, user, attributes)) return std::nullopt;
  return forbidden(user, attributes);
}

std::string_view bearer_token(const net::Headers& headers) {
  auto value = headers.get("authorization");
  if (!net::equal_ignoring_case(value.substr(0, kBearer.size()), kBearer)) return {};
  value.remove_prefix(kBearer.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

std::expected<TokenUser, std::string> user_of_token(Context& context, std::string_view token,
                                                    const std::vector<std::string>& audiences) {
  if (context.parts.tokens == nullptr) return std::unexpected("this server accepts no tokens");
  return context.parts.tokens->user_of(token, audiences);
}

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
  const auto options = read_write_options(*call, "CreateOptions");
  if (!options) return send_status(*call, options.error());
  if (auto fine = context.api.decode(*kind, *request, *options); !fine) return send_status(*call, fine.error());
  if (auto fine = check_request_namespace(call->route.ns, *request); !fine) return send_status(*call, fine.error());
  if (const auto name = request->at("metadata", "name").str(); !name.empty() && name != call->route.name) {
    return send_status(*call,
                       Status::invalid(*kind, call->route.name,
                                       {{FieldError::Reason::kInvalid, "metadata.name",
                                         fmt::format("Invalid value: \"{}\": must match the service account name "
                                                     "if specified",
                                                     name)}}));
  }
  auto issued = context.parts.tokens->issue(call->route.ns, call->route.name, std::move(*request));
  if (!issued) return send_status(*call, issued.error());
  context.send_unstored(call, 201, std::move(*issued), context.store.revision());
}

}  // namespace fairlead::api
