// Wording. Source: apimachinery/pkg/util/validation/field/errors.go, ErrorBody.
#include "base/json.h"
#include "engine/api/schema_validate.h"

namespace fairlead::api {

std::string shown(const Value& value) { return value.is_null() ? "null" : to_json(value); }

void Findings::add(FieldError::Reason reason, std::string field, std::string message, const Value* at) {
  add({reason, std::move(field), std::move(message), at == nullptr ? 0 : at->line(), at == nullptr ? 0 : at->column()});
}

void Findings::invalid(std::string field, const Value& value, std::string_view why) {
  add(FieldError::Reason::kInvalid, std::move(field), fmt::format("Invalid value: {}: {}", shown(value), why), &value);
}

void Findings::required(std::string field, std::string_view why) {
  add(FieldError::Reason::kRequired, std::move(field),
      why.empty() ? "Required value" : fmt::format("Required value: {}", why));
}

void Findings::duplicate(std::string field, const Value& value) {
  add(FieldError::Reason::kDuplicate, std::move(field), fmt::format("Duplicate value: {}", shown(value)), &value);
}

void Findings::not_supported(std::string field, const Value& value, const std::vector<std::string_view>& supported) {
  std::string list;
  for (const std::string_view word : supported) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", word);
  add(FieldError::Reason::kNotSupported, std::move(field),
      fmt::format("Unsupported value: {}: supported values: {}", shown(value), list), &value);
}

void Findings::forbidden(std::string field, std::string_view why) {
  add(FieldError::Reason::kForbidden, std::move(field), fmt::format("Forbidden: {}", why));
}

void Findings::not_found(std::string field, const Value& value) {
  add(FieldError::Reason::kInvalid, std::move(field), fmt::format("Not found: {}", shown(value)), &value);
}

void Findings::too_long(std::string field, std::int64_t limit) {
  add(FieldError::Reason::kTooLong, std::move(field), fmt::format("Too long: may not be more than {} bytes", limit));
}

void Findings::too_many(std::string field, std::size_t count, std::size_t limit) {
  add(FieldError::Reason::kTooMany, std::move(field),
      fmt::format("Too many: {}: must have at most {} item{}", count, limit, limit == 1 ? "" : "s"));
}

void Findings::wrong_type(std::string field, const Value& value, std::string_view type) {
  std::string message = fmt::format("Invalid value: \"{}\": {} in body must be of type {}: \"{}\"", value.kind_name(),
                                    field, type, value.kind_name());
  add(FieldError::Reason::kType, std::move(field), std::move(message), &value);
}

}  // namespace fairlead::api
