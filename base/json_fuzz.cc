// Whatever bytes come in: no crash, and what was read can be written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/json_error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using fairlead::parse_json;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = parse_json(text, "fuzz");
  if (!value) {
    FAIRLEAD_ASSERT(!value.error().message.empty());
    return 0;
  }
  FAIRLEAD_ASSERT(!fairlead::find_json_error(text, "fuzz"));
  for (const std::string& written : {to_json(*value), to_pretty_json(*value)}) {
    const auto again = parse_json(written, "written");
    FAIRLEAD_ASSERT(again && *again == *value);
  }
  return 0;
}
