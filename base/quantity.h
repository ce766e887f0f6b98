// resource.Quantity: "500m", "128Mi", "1e3", "0.5".
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/int128.h"
#include "base/value.h"

namespace fairlead {

/// An amount in billionths of its unit (cores, bytes, pieces), and the family of suffixes it was written with. What is
/// finer rounds away from zero; what is more than an int64 of units is the most, which upstream says of binary suffixes
/// only.
/// Source: k8s.io/apimachinery/pkg/api/resource/quantity.go.
struct Quantity {
  enum class Format : std::uint8_t { kDecimal, kBinary, kExponent };

  /// What is wrong with a text, or another value, that is no quantity: upstream's words.
  static constexpr std::string_view kMalformed =
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

  Int128 nano = 0;
  Format format = Format::kDecimal;

  [[nodiscard]] static Result<Quantity> parse(std::string_view text);
  /// From a string, or a number as YAML may hold it.
  [[nodiscard]] static Result<Quantity> read(const Value& value);
  /// The same; null and malformed give 0.
  [[nodiscard]] static Quantity of(const Value& value);
  [[nodiscard]] static Quantity of_milli(std::int64_t milli);
  /// Written with binary suffixes.
  [[nodiscard]] static Quantity of_bytes(std::int64_t bytes);
  /// Whole units, rounded away from zero; saturates.
  [[nodiscard]] std::int64_t value() const;
  /// Thousandths, rounded away from zero; saturates.
  [[nodiscard]] std::int64_t milli_value() const;
  [[nodiscard]] bool is_whole() const;
  /// Canonical: "0.5" is "500m", "1024Ki" is "1Mi". Source: quantity.go, CanonicalizeBytes. (Upstream leaves some
  /// spellings, "1E3", "+3k" or "1.234", as they came.)
  [[nodiscard]] std::string text() const;
  /// Amounts are compared, however they were written.
  friend bool operator==(const Quantity& a, const Quantity& b) { return a.nano == b.nano; }
  friend std::strong_ordering operator<=>(const Quantity& a, const Quantity& b) { return a.nano <=> b.nano; }
  friend Quantity operator+(Quantity a, Quantity b) { return {a.nano + b.nano, a.format}; }
};

}  // namespace fairlead
