// Verbs of Schema that are not written yet.
#include "engine/api/schema_type.h"
namespace fairlead::api {
std::vector<FieldError> Schema::validate(const Resource&, const Value&, const Value*) const { return {}; }
Result<> Schema::add_definition(const Value&) { return fail("unsupported"); }
void Schema::remove_definition(std::string_view, std::string_view) {}
}

#include "base/time.h"
namespace fairlead {
[[gnu::weak]] std::string format_time(Time) { return "1970-01-01T00:00:00Z"; }
[[gnu::weak]] std::string format_micro_time(Time) { return "1970-01-01T00:00:00.000000Z"; }
[[gnu::weak]] Result<Time> parse_time(std::string_view) { return Time{}; }
[[gnu::weak]] Result<Duration> parse_duration(std::string_view) { return Duration{}; }
[[gnu::weak]] std::string format_duration(Duration) { return "0s"; }
}
