// The query part of a request's URL.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::api {

/// Parameters in the order they were given. Malformed escapes leave their parameter out, as net/url does.
class Query {
 public:
  Query() = default;
  /// `text` is what follows the "?".
  [[nodiscard]] static Query parse(std::string_view text);

  /// The first value, or "" when the parameter is absent.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  /// True for any value but "", "0" and "false". Source: k8s.io/apimachinery/pkg/runtime/conversion.go,
  /// Convert_Slice_string_To_bool ("" counts as true when the parameter is there).
  [[nodiscard]] bool flag(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace fairlead::api
