// Verbs of Schema that are not written yet.
#include "engine/api/schema_type.h"
namespace fairlead::api {
std::vector<FieldError> Schema::validate(const Resource&, const Value&, const Value*) const { return {}; }
Result<> Schema::add_definition(const Value&) { return fail("unsupported"); }
void Schema::remove_definition(std::string_view, std::string_view) {}
}
