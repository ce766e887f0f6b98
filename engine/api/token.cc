#include "engine/api/token.h"

#include <algorithm>
#include <utility>

#include "engine/api/metadata.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kPrivateClaims = "kubernetes.io";
constexpr std::int64_t kDeletedPodLeeway = 60;  ///< Seconds that the token of an ending pod is still accepted.

std::int64_t seconds(Time t) { return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(); }

Time from_seconds(std::int64_t s) { return Time(std::chrono::seconds(s)); }

ApiResult<std::int64_t> lifetime(const Schema& schema, const Value& request) {
  const std::int64_t wanted = request.at("spec", "expirationSeconds").int_or(kTokenSeconds);
  if (wanted < kMinTokenSeconds) {
    const Resource* kind = schema.by_kind("authentication.k8s.io", "v1", "TokenRequest");
    FAIRLEAD_ASSERT(kind != nullptr);
    return std::unexpected(
        Status::invalid(*kind, "",
                        {{FieldError::Reason::kInvalid, "spec.expirationSeconds",
                          fmt::format("Invalid value: {}: may not specify a duration less than 10 minutes", wanted)}}));
  }
  return std::min(wanted, kMaxTokenSeconds);
}

/// Those of the token that are wanted, in its order.
std::vector<std::string> accepted_audiences(const Value& claims, const std::vector<std::string>& wanted) {
  std::vector<std::string> out;
  for (const Value& audience : claims.at("aud").items()) {
    const bool accepted =
        wanted.empty() ? audience.str() == kTokenIssuer : std::ranges::find(wanted, audience.str()) != wanted.end();
    if (accepted) out.emplace_back(audience.str());
  }
  return out;
}

User service_account_user(const Value& claims) {
  const Value& bound = claims.at(kPrivateClaims);
  const std::string ns(bound.at("namespace").str());
  User out;
  out.name = fmt::format("system:serviceaccount:{}:{}", ns, bound.at("serviceaccount", "name").str());
  out.uid = std::string(bound.at("serviceaccount", "uid").str());
  out.groups = {"system:serviceaccounts", "system:serviceaccounts:" + ns};
  out.extra["authentication.kubernetes.io/credential-id"] = {"JTI=" + std::string(claims.at("jti").str())};
  if (const Value* pod = bound.find("pod")) {
    out.extra["authentication.kubernetes.io/pod-name"] = {std::string(pod->at("name").str())};
    out.extra["authentication.kubernetes.io/pod-uid"] = {std::string(pod->at("uid").str())};
  }
  return out;
}

}  // namespace

ApiResult<> ServiceAccountTokens::bind(const Object& account, const Value& reference, Value& claims) const {
  if (reference.is_null()) return {};
  const std::string_view kind = reference.at("kind").str();
  if (kind != "Pod") {
    return std::unexpected(
        Status::bad_request(fmt::format("cannot bind token to a {} object: only Pods are supported here", kind)));
  }
  const Resource& pods = api_.schema().resource("", "pods");
  const std::string_view name = reference.at("name").str();
  const ObjectPtr pod = api_.get(pods, account.ns(), name);
  if (!pod) return std::unexpected(Status::not_found(pods, name));
  const std::string_view uid = reference.at("uid").str();
  if (!uid.empty() && uid != pod->uid()) {
    return std::unexpected(
        Status::conflict(pods, name,
                         fmt::format("the UID in the bound object reference ({}) does not match the UID in record. The "
                                     "object might have been deleted and then recreated",
                                     uid)));
  }
  if (pod->at("spec", "serviceAccountName").str() != account.name()) {
    return std::unexpected(Status::bad_request(
        fmt::format("cannot bind token for serviceaccount \"{}\" to pod running with different serviceaccount name.",
                    account.name())));
  }
  claims.make(kPrivateClaims, "pod").set("name", pod->name()).set("uid", pod->uid());
  return {};
}

ApiResult<Value> ServiceAccountTokens::issue(std::string_view ns, std::string_view account, Value request) const {
  const Resource& accounts = api_.schema().resource("", "serviceaccounts");
  const ObjectPtr found = api_.get(accounts, ns, account);
  if (!found) return std::unexpected(Status::not_found(accounts, account));
  const auto lasts = lifetime(api_.schema(), request);
  if (!lasts) return std::unexpected(lasts.error());
  Value audiences = request.at("spec", "audiences");
  if (audiences.empty()) audiences = Value::array({kTokenIssuer});
  const std::int64_t now = seconds(api_.clock().now());
  Value claims = Value::object({{"aud", audiences},
                                {"exp", now + *lasts},
                                {"iat", now},
                                {"iss", kTokenIssuer},
                                {"nbf", now},
                                {"sub", fmt::format("system:serviceaccount:{}:{}", ns, account)}});
  Value& bound = claims[kPrivateClaims];
  bound.set("namespace", ns);
  bound.make("serviceaccount").set("name", found->name()).set("uid", found->uid());
  if (auto ok = bind(*found, request.at("spec", "boundObjectRef"), claims); !ok) return std::unexpected(ok.error());
  const std::string_view pod_uid = claims.at(kPrivateClaims, "pod", "uid").str();
  const auto ordinal = static_cast<std::uint64_t>(api_.clock().now().time_since_epoch().count());
  claims.set("jti", make_uid(api_.store().revision(), ordinal, fmt::format("token/{}/{}/{}", ns, account, pod_uid)));
  auto token = key_.sign(claims);
  if (!token) return std::unexpected(Status::internal(token.error().message));
  Value& spec = request["spec"];
  spec.set("audiences", std::move(audiences)).set("expirationSeconds", *lasts);
  request.make("metadata").set("name", account).set("namespace", ns);
  request.make("metadata").set("creationTimestamp", format_time(api_.clock().now()));
  request.set("status", Value::object({{"token", std::move(*token)},
                                       {"expirationTimestamp", format_time(from_seconds(now + *lasts))}}));
  return request;
}

std::expected<void, std::string> ServiceAccountTokens::check_bound(const Value& claims) const {
  const Value& bound = claims.at(kPrivateClaims);
  const std::string_view ns = bound.at("namespace").str();
  const std::string_view name = bound.at("serviceaccount", "name").str();
  const ObjectPtr account = api_.get(api_.schema().resource("", "serviceaccounts"), ns, name);
  if (!account || account->uid() != bound.at("serviceaccount", "uid").str()) {
    return std::unexpected("the service account of the token is gone");
  }
  const Value* pod_claim = bound.find("pod");
  if (pod_claim == nullptr) return {};
  const ObjectPtr pod = api_.get(api_.schema().resource("", "pods"), ns, pod_claim->at("name").str());
  if (!pod || pod->uid() != pod_claim->at("uid").str()) return std::unexpected("the pod of the token is gone");
  if (const auto deleted = parse_time(pod->at("metadata", "deletionTimestamp").str());
      deleted && seconds(*deleted) + kDeletedPodLeeway < seconds(api_.clock().now())) {
    return std::unexpected("the pod of the token has ended");
  }
  return {};
}

std::expected<TokenUser, std::string> ServiceAccountTokens::user_of(std::string_view token,
                                                                    const std::vector<std::string>& audiences) const {
  const auto claims = key_.verify(token);
  if (!claims) return std::unexpected(claims.error().message);
  if (claims->at("iss").str() != kTokenIssuer) return std::unexpected("the token has another issuer");
  const std::int64_t now = seconds(api_.clock().now());
  if (now >= claims->at("exp").int_or(0)) return std::unexpected("the token has expired");
  if (now < claims->at("nbf").int_or(0)) return std::unexpected("the token is not valid yet");
  auto accepted = accepted_audiences(*claims, audiences);
  if (accepted.empty()) return std::unexpected("the token is for another audience");
  if (auto ok = check_bound(*claims); !ok) return std::unexpected(ok.error());
  return TokenUser{service_account_user(*claims), std::move(accepted)};
}

}  // namespace fairlead::api
