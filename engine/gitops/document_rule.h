// What a YAML document of ours may hold, as a declaration: one table checks documents, fills in defaults and makes the
// JSON Schema that editors read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::gitops {

struct DocumentRule {
  enum class Type { kString, kInteger, kBoolean, kList, kMap, kObject };
  Type type = Type::kString;
  std::string about;  ///< One sentence for a person.
  bool required = false;
  Value otherwise{};                    ///< Default; null: none.
  std::vector<std::string> choices{};   ///< For strings: what it may be. Empty: anything.
  std::string pattern{};                ///< For strings, and for the keys of a map: RE2, matched whole.
  std::optional<std::int64_t> least{};  ///< For integers.
  std::optional<std::int64_t> most{};   ///< For integers.
  std::vector<std::pair<std::string, DocumentRule>> members{};  ///< For objects.
  std::vector<DocumentRule> items{};                            ///< For lists and maps: one rule, for every element.
};

/// Every violation, in the order of the document; each with file, line and column. `document` gets the defaults.
[[nodiscard]] std::vector<Error> check_document(const DocumentRule& rule, Value& document, std::string_view file);

/// JSON Schema (draft 2020-12) of the same.
[[nodiscard]] Value json_schema(const DocumentRule& rule);
/// A whole schema document of that, for editors.
[[nodiscard]] Value editor_schema(const DocumentRule& rule, std::string_view title);

}  // namespace fairlead::gitops
