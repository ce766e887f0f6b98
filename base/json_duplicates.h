// JSON texts that give a key twice, for readers that may not simply refuse them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead {

inline constexpr std::size_t kMaxDuplicateKeys = 100;  ///< Of one text, told; those over it are dropped as silently.

/// As parse_json, but of keys that are given twice the last one holds. `duplicates` gets their paths, as Kubernetes
/// writes them: "spec.ports[0].name", in the order in which the text repeats them within each object.
[[nodiscard]] Result<Value> parse_json_last_wins(std::string_view text, std::vector<std::string>& duplicates);

}  // namespace fairlead
