#include "engine/api/status.h"

#include <utility>

namespace fairlead::api {
namespace {

/// "deployments.apps" or "pods".
std::string qualified(const std::string& name, const std::string& group) {
  return group.empty() ? name : name + "." + group;
}

/// k8s.io/apimachinery/pkg/util/validation/field/errors.go: the values of ErrorType as causes carry them.
std::string_view cause_reason(FieldError::Reason reason) {
  switch (reason) {
    case FieldError::Reason::kUnknown:
      return "FieldValueUnknown";
    case FieldError::Reason::kInvalid:
      return "FieldValueInvalid";
    case FieldError::Reason::kRequired:
      return "FieldValueRequired";
    case FieldError::Reason::kDuplicate:
      return "FieldValueDuplicate";
    case FieldError::Reason::kNotSupported:
      return "FieldValueNotSupported";
    case FieldError::Reason::kForbidden:
      return "FieldValueForbidden";
    case FieldError::Reason::kTooLong:
      return "FieldValueTooLong";
    case FieldError::Reason::kTooMany:
      return "FieldValueTooMany";
    case FieldError::Reason::kType:
      return "FieldValueTypeInvalid";
    case FieldError::Reason::kNamespaceTerminating:
      return "NamespaceTerminating";
    case FieldError::Reason::kResourceVersionTooLarge:
      return "ResourceVersionTooLarge";
    case FieldError::Reason::kDisruptionBudget:
      return "DisruptionBudget";
  }
  return "FieldValueInvalid";
}

Status about(const Resource& resource, std::string_view name, int code, std::string reason) {
  Status status;
  status.code = code;
  status.reason = std::move(reason);
  status.group = resource.group;
  status.kind = resource.plural;
  status.name = std::string(name);
  return status;
}

}  // namespace

Value Status::to_value() const {
  Value details;
  if (!name.empty()) details.set("name", name);
  if (!group.empty()) details.set("group", group);
  if (!kind.empty()) details.set("kind", kind);
  for (const FieldError& cause : causes) {
    Value shown = Value::object({{"reason", cause_reason(cause.reason)}, {"message", cause.message}});
    if (!cause.field.empty()) shown.set("field", cause.field);
    details.make("causes").push_back(std::move(shown));
  }
  if (retry_after_seconds > 0) details.set("retryAfterSeconds", retry_after_seconds);
  Value out = Value::object({{"kind", "Status"},
                             {"apiVersion", "v1"},
                             {"metadata", Value::object()},
                             {"status", code < 400 ? "Success" : "Failure"}});
  if (!message.empty()) out.set("message", message);
  if (!reason.empty()) out.set("reason", reason);
  if (!details.is_null()) out.set("details", std::move(details));
  out.set("code", code);
  return out;
}

Status Status::not_found(const Resource& resource, std::string_view name) {
  Status status = about(resource, name, 404, "NotFound");
  status.message = fmt::format("{} \"{}\" not found", qualified(resource.plural, resource.group), name);
  return status;
}

Status Status::already_exists(const Resource& resource, std::string_view name) {
  Status status = about(resource, name, 409, "AlreadyExists");
  status.message = fmt::format("{} \"{}\" already exists", qualified(resource.plural, resource.group), name);
  return status;
}

Status Status::conflict(const Resource& resource, std::string_view name) {
  return conflict(resource, name,
                  "the object has been modified; please apply your changes to the latest version and try again");
}

Status Status::conflict(const Resource& resource, std::string_view name, std::string_view why) {
  Status status = about(resource, name, 409, "Conflict");
  status.message = fmt::format("Operation cannot be fulfilled on {} \"{}\": {}",
                               qualified(resource.plural, resource.group), name, why);
  return status;
}

Status Status::invalid(const Resource& resource, std::string_view name, std::vector<FieldError> causes) {
  Status status = about(resource, name, 422, "Invalid");
  status.kind = resource.kind;
  std::string all;
  for (const FieldError& cause : causes) {
    if (!all.empty()) all += ", ";
    if (!cause.field.empty()) all += cause.field + ": ";
    all += cause.message;
  }
  if (causes.size() > 1) all = "[" + all + "]";
  status.message = fmt::format("{} \"{}\" is invalid: {}", qualified(resource.kind, resource.group), name, all);
  status.causes = std::move(causes);
  return status;
}

Status Status::invalid_options(std::string_view kind, FieldError cause) {
  Status status;
  status.code = 422;
  status.reason = "Invalid";
  status.message = fmt::format("{}.meta.k8s.io \"\" is invalid: {}: {}", kind, cause.field, cause.message);
  status.group = "meta.k8s.io";
  status.kind = std::string(kind);
  status.causes.push_back(std::move(cause));
  return status;
}

Status Status::bad_request(std::string message) {
  Status status;
  status.code = 400;
  status.reason = "BadRequest";
  status.message = std::move(message);
  return status;
}

Status Status::forbidden(std::string message) {
  Status status;
  status.code = 403;
  status.reason = "Forbidden";
  status.message = std::move(message);
  return status;
}

Status Status::forbidden(const Resource& resource, std::string_view name, std::string_view why) {
  Status status = about(resource, name, 403, "Forbidden");
  status.message = fmt::format("{} \"{}\" is forbidden: {}", qualified(resource.plural, resource.group), name, why);
  return status;
}

Status Status::too_many_requests(std::string message, int retry_after_seconds) {
  Status status;
  status.code = 429;
  status.reason = "TooManyRequests";
  status.message = std::move(message);
  status.retry_after_seconds = retry_after_seconds;
  return status;
}

Status Status::internal(std::string message) {
  Status status;
  status.code = 500;
  status.reason = "InternalError";
  status.message = std::move(message);
  return status;
}

Status Status::expired(std::string message) {
  Status status;
  status.code = 410;
  status.reason = "Expired";
  status.message = std::move(message);
  return status;
}

}  // namespace fairlead::api
