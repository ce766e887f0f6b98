// resource.Quantity: "500m", "128Mi", "1e3", "0.5".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/int128.h"
#include "base/value.h"

namespace fairlead {

/// A quantity in thousandths of its unit (cores, bytes, pieces). Fractions of a thousandth round up, as upstream's do.
/// Source: k8s.io/apimachinery/pkg/api/resource/quantity.go.
struct Quantity {
  Int128 milli = 0;

  [[nodiscard]] static Result<Quantity> parse(std::string_view text);
  /// From a string, or a number as YAML may hold it; null and malformed give 0.
  [[nodiscard]] static Quantity of(const Value& value);
  /// Whole units, rounded up.
  [[nodiscard]] std::int64_t value() const;
  /// Thousandths; saturates.
  [[nodiscard]] std::int64_t milli_value() const;
  friend auto operator<=>(const Quantity&, const Quantity&) = default;
  friend Quantity operator+(Quantity a, Quantity b) { return {a.milli + b.milli}; }
};

/// "250m" or "2": cores.
[[nodiscard]] std::string format_cpu(std::int64_t milli);
/// "64Mi", "1500Ki" or plain bytes: the largest binary suffix that divides exactly.
[[nodiscard]] std::string format_bytes(std::int64_t bytes);

}  // namespace fairlead
