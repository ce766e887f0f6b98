#include "engine/api/schema_defaults.h"

namespace fairlead::api {

void apply_conditional_defaults(std::string_view, Value&) {}

void apply_kind_defaults(const Resource&, Value&) {}

}  // namespace fairlead::api
