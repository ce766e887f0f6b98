// Scalars of the Kubernetes API: how they are read and how upstream writes them back.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/value.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {

/// The outcome of normalise_scalar: an empty message with ok false means that the JSON type is wrong; for a number that
/// is no such integer, the message is "number 1.5".
struct Scalar {
  bool ok = true;
  std::string message{};
};

/// Checks a scalar and rewrites it as upstream's encoder would: quantities and durations canonical, times in UTC.
/// `typed` is false below custom resources, where only the JSON type counts and values stay as they were written.
[[nodiscard]] Scalar normalise_scalar(Shape shape, Value& value, bool typed);

/// Go's zero value as JSON writes it: "", 0, false, null for lists, maps and times, {} for structs.
[[nodiscard]] Value zero_of(const Type& type);
/// False, 0, "", and empty lists and maps: what `omitempty` leaves out.
[[nodiscard]] bool is_zero(const Value& value);

/// "integer" of kInt32: the word of OpenAPI.
[[nodiscard]] std::string_view json_type(Shape shape);
/// "[]v1.Container", "int32", "map[string]string": the type as Go's decoder names it in messages.
[[nodiscard]] std::string go_type(const Type& type);

/// The index of the first byte that is not standard base64; npos when all is well.
[[nodiscard]] std::size_t base64_error(std::string_view text);

}  // namespace fairlead::api
