// Who a request comes from and what it may do, in front of the authorizer and the tokens.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/call.h"
#include "engine/api/token.h"

namespace fairlead::api {

class Context;

/// What an authorizer is asked. Source: k8s.io/apiserver/pkg/authorization/authorizer/interfaces.go.
struct Attributes {
  bool is_resource = false;
  std::string verb;
  std::string group;
  std::string version;
  std::string resource;
  std::string subresource;
  std::string ns;
  std::string name;
  std::string path;  ///< For requests that name no resource.
};

[[nodiscard]] Attributes attributes_of(const Route& route);

/// Client certificate (CN is the user, each O a group), else bearer token, else anonymous where the path allows it;
/// also carries out Impersonate-User, -Group, -Uid and -Extra-…. 401, or 403 when the impersonation is not allowed.
[[nodiscard]] ApiResult<User> authenticate(Context& context, const Call& call);

/// 403 with upstream's sentence, or nothing.
[[nodiscard]] std::optional<Status> refusal(Context& context, const User& user, const Attributes& attributes);

/// What stands behind "Bearer", or "". Any thread.
[[nodiscard]] std::string_view bearer_token(const net::Headers& headers);

/// Whom a bearer token stands for, or why nobody. Without `audiences` the API's own is meant.
[[nodiscard]] std::expected<TokenUser, std::string> user_of_token(Context& context, std::string_view token,
                                                                  const std::vector<std::string>& audiences);

/// A SubjectRulesReviewStatus: what `user` may do in `ns`.
[[nodiscard]] Value rules_of(Context& context, const User& user, const std::string& ns);

/// Paths that need neither a user nor a permission.
[[nodiscard]] bool is_public(std::string_view path);

}  // namespace fairlead::api
