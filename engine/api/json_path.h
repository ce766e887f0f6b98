// The JSONPath that a CustomResourceDefinition's printer columns use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::api {

/// Fields (".spec.a", "['a.b']", ".a\.b"), indexes ("[0]", "[-1]"), wildcards ("[*]") and filters
/// ("[?(@.type=="Ready")]", with == and !=, or a bare path for "exists").
/// Source: k8s.io/client-go/util/jsonpath; ranges, unions, slices and recursive descent are errors here.
class JsonPath {
 public:
  [[nodiscard]] static Result<JsonPath> parse(std::string_view text);
  /// What the path selects, in document order; missing keys select nothing. Pointers into `root`.
  [[nodiscard]] std::vector<const Value*> find(const Value& root) const;

 private:
  struct Step {
    enum class Kind { kField, kIndex, kWildcard, kFilter };
    Kind kind = Kind::kField;
    std::string field;
    long index = 0;
    std::vector<std::string> filter_path;
    std::string filter_operator;  ///< "==", "!=" or empty.
    std::string filter_value;
  };
  static Result<Step> parse_bracket(std::string_view inside);
  static Result<Step> parse_filter(std::string_view text);
  static bool passes(const Step& step, const Value& item);
  std::vector<Step> steps_;
};

}  // namespace fairlead::api
