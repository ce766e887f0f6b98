// The API's own error: metav1.Status.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "engine/api/schema.h"

namespace fairlead::api {

struct Status {
  int code = 500;
  std::string reason;  ///< "NotFound", "AlreadyExists", "Conflict", "Invalid", "Forbidden", "Expired", …
  std::string message;
  std::string group;  ///< Of the object concerned, for details.
  std::string kind;   ///< details.kind: the resource's plural name.
  std::string name;
  std::vector<FieldError> causes;
  int retry_after_seconds = 0;

  [[nodiscard]] Value to_value() const;
  [[nodiscard]] bool not_found() const { return code == 404; }
  [[nodiscard]] bool conflict() const { return code == 409; }

  static Status not_found(const Resource& resource, std::string_view name);
  static Status already_exists(const Resource& resource, std::string_view name);
  static Status conflict(const Resource& resource, std::string_view name);
  /// `why` ends the sentence "Operation cannot be fulfilled on pods "a": …".
  static Status conflict(const Resource& resource, std::string_view name, std::string_view why);
  static Status invalid(const Resource& resource, std::string_view name, std::vector<FieldError> causes);
  /// "DeleteOptions.meta.k8s.io "" is invalid: …" with one cause.
  static Status invalid_options(std::string_view kind, FieldError cause);
  static Status bad_request(std::string message);
  static Status forbidden(std::string message);
  /// `why` ends the sentence "pods "a" is forbidden: …".
  static Status forbidden(const Resource& resource, std::string_view name, std::string_view why);
  static Status too_many_requests(std::string message, int retry_after_seconds);
  static Status internal(std::string message);
  /// 410: a watch or a list cannot go on from where it was.
  static Status expired(std::string message);
};

template <class T = void>
using ApiResult = std::expected<T, Status>;

}  // namespace fairlead::api
