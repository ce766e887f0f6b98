// Whatever bytes come in: no crash, and what was read can be written, as YAML and as JSON, and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fairlead;
  const auto documents = parse_yaml(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!documents) {
    FAIRLEAD_ASSERT(!documents.error().message.empty());
    return 0;
  }
  for (const Value& document : *documents) {
    const auto as_json = parse_json(to_json(document));
    FAIRLEAD_ASSERT(as_json && *as_json == document);
    const auto again = parse_yaml(to_yaml(document), "written");
    FAIRLEAD_ASSERT(again && again->size() == 1 && again->front() == document);
  }
  return 0;
}
