#include "engine/control/pod_token.h"

#include <algorithm>

namespace fairlead::control {

Result<IssuedToken> issue_pod_token(const api::ServiceAccountTokens& tokens, const TokenRequest& request) {
  Value pod = Value::object({{"kind", "Pod"}, {"name", request.pod}, {"uid", request.pod_uid}});
  Value spec = Value::object({{"boundObjectRef", std::move(pod)}});
  if (!request.audience.empty()) spec.set("audiences", Value::array({request.audience}));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(request.lifetime).count();
  if (seconds > 0) spec.set("expirationSeconds", std::max<std::int64_t>(seconds, api::kMinTokenSeconds));
  auto issued = tokens.issue(request.ns, request.service_account, Value::object({{"spec", std::move(spec)}}));
  if (!issued) return fail("{}", issued.error().message);
  const auto expires = parse_time(issued->at("status", "expirationTimestamp").str());
  if (!expires) return std::unexpected(expires.error());
  return IssuedToken{std::string(issued->at("status", "token").str()), *expires};
}

}  // namespace fairlead::control
