// Reviews: questions about users and permissions that are answered and not stored.
#include <string>

#include "engine/api/access.h"
#include "engine/api/context.h"
#include "engine/api/request_options.h"

namespace fairlead::api {
namespace {

Value strings(const std::vector<std::string>& items) {
  Value::Array out;
  for (const auto& item : items) out.emplace_back(item);
  return out;
}

Value user_info(const User& user) {
  Value out = Value::object();
  if (!user.name.empty()) out.set("username", user.name);
  if (!user.uid.empty()) out.set("uid", user.uid);
  if (!user.groups.empty()) out.set("groups", strings(user.groups));
  for (const auto& [key, values] : user.extra) out.make("extra").set(key, strings(values));
  return out;
}

/// spec.resourceAttributes or spec.nonResourceAttributes.
Attributes attributes_in(const Value& spec) {
  Attributes out;
  if (const auto& resource = spec.at("resourceAttributes"); resource.is_object()) {
    out.is_resource = true;
    out.verb = std::string(resource.at("verb").str());
    out.group = std::string(resource.at("group").str());
    out.version = std::string(resource.at("version").str());
    out.resource = std::string(resource.at("resource").str());
    out.subresource = std::string(resource.at("subresource").str());
    out.ns = std::string(resource.at("namespace").str());
    out.name = std::string(resource.at("name").str());
  } else {
    out.verb = std::string(spec.at("nonResourceAttributes", "verb").str());
    out.path = std::string(spec.at("nonResourceAttributes", "path").str());
  }
  return out;
}

User user_in(const Value& spec) {
  User user;
  user.name = std::string(spec.at("user").str());
  user.uid = std::string(spec.at("uid").str());
  for (const auto& group : spec.at("groups").items()) user.groups.emplace_back(group.str());
  return user;
}

ApiResult<> check_spec(const Resource& review, const Value& spec) {
  const bool resource = spec.at("resourceAttributes").is_object();
  const bool path = spec.at("nonResourceAttributes").is_object();
  if (resource != path) return {};
  return std::unexpected(Status::invalid(
      review, "",
      {{FieldError::Reason::kInvalid, "spec.resourceAttributes",
        resource ? "Invalid value: cannot be specified in combination with nonResourceAttributes"
                 : "Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified"}}));
}

void answer(Context& context, const CallPtr& call, Value review, Value status) {
  review.set("status", std::move(status));
  context.send_unstored(call, 201, std::move(review));
}

void review_access(Context& context, const CallPtr& call, const Resource& kind, Value review) {
  const Value spec = review.at("spec");
  if (auto fine = check_spec(kind, spec); !fine) return send_status(*call, fine.error());
  const bool self = kind.kind == "SelfSubjectAccessReview";
  auto attributes = attributes_in(spec);
  if (kind.kind == "LocalSubjectAccessReview" && attributes.ns != call->route.ns) {
    return send_status(
        *call, Status::bad_request("spec.resourceAttributes.namespace must match the namespace of the request"));
  }
  const User user = self ? call->user : user_in(spec);
  if (!self && user.name.empty() && user.groups.empty()) {
    return send_status(*call,
                       Status::invalid(kind, "",
                                       {{FieldError::Reason::kInvalid, "spec.user",
                                         "Invalid value: \"\": at least one of user or group must be specified"}}));
  }
  const auto refused = refusal(context, user, attributes);
  answer(context, call, std::move(review), Value::object({{"allowed", !refused}}));
}

void review_token(Context& context, const CallPtr& call, Value review) {
  const std::string token(review.at("spec", "token").str());
  std::vector<std::string> audiences;
  for (const auto& audience : review.at("spec", "audiences").items()) audiences.emplace_back(audience.str());
  const auto known = user_of_token(context, token, audiences);
  Value status = Value::object();
  if (known) {
    status.set("authenticated", true).set("user", user_info(known->user));
    status.set("audiences", strings(known->audiences));
  } else {
    status.set("user", Value::object()).set("error", known.error());
  }
  answer(context, call, std::move(review), std::move(status));
}

}  // namespace

void serve_review(Context& context, const CallPtr& call, const Resource& kind) {
  auto review = read_object(*call, context.schema, kind);
  if (!review) return send_status(*call, review.error());
  const auto options = read_write_options(*call, "CreateOptions");
  if (!options) return send_status(*call, options.error());
  if (auto fine = context.api.decode(kind, *review, *options); !fine) return send_status(*call, fine.error());
  review->set("kind", kind.kind).set("apiVersion", kind.api_version());
  if (!review->at("metadata").is_object()) review->set("metadata", Value::object());
  if (kind.kind == "SelfSubjectReview") {
    (*review)["metadata"].set("creationTimestamp", format_time(context.now()));
    return answer(context, call, std::move(*review), Value::object({{"userInfo", user_info(call->user)}}));
  }
  if (kind.kind == "TokenReview") return review_token(context, call, std::move(*review));
  if (kind.kind == "SelfSubjectRulesReview") {
    const std::string ns(review->at("spec", "namespace").str());
    if (ns.empty()) return send_status(*call, Status::bad_request("no namespace on request"));
    return answer(context, call, std::move(*review), rules_of(context, call->user, ns));
  }
  review_access(context, call, kind, std::move(*review));
}

}  // namespace fairlead::api
