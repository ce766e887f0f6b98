// RBAC: whether Roles, ClusterRoles and their bindings in the store allow a request.
// Source: k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/rbac.go and pkg/registry/rbac/validation/rule.go.
#pragma once

#include <functional>
#include <string_view>

#include "engine/api/api.h"
#include "engine/api/user.h"

namespace fairlead::api {

struct Attributes;

inline constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";
inline constexpr std::string_view kMasters = "system:masters";  ///< Members may do everything.

/// Whether some rule that applies to `user` allows what `attributes` asks for. Control thread.
[[nodiscard]] bool authorized(const Api& api, const User& user, const Attributes& attributes);

/// Shows every policy rule that applies to `user` cluster-wide and in `ns` (when given) until `visit` answers false.
void each_rule(const Api& api, const User& user, std::string_view ns, const std::function<bool(const Value&)>& visit);

/// Shows the rules of a Role or ClusterRole until `visit` answers false: those of an aggregated one are the rules of
/// the ClusterRoles that it selects. False when `visit` did.
bool each_rule_of(const Api& api, const Object& role, const std::function<bool(const Value&)>& visit);

/// Whether a policy rule by itself allows what `attributes` asks for.
[[nodiscard]] bool rule_allows(const Value& rule, const Attributes& attributes);

/// An authorization.k8s.io/v1 SubjectRulesReviewStatus: what `user` may do in `ns`.
[[nodiscard]] Value subject_rules(const Api& api, const User& user, std::string_view ns);

}  // namespace fairlead::api
