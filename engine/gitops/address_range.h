// IPv4 addresses and ranges, as the address plan of an environment needs them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::gitops {

/// "10.1.2.3"; nothing for anything else.
[[nodiscard]] std::optional<std::uint32_t> parse_address(std::string_view text);
[[nodiscard]] std::string format_address(std::uint32_t address);

/// A CIDR block whose first address is a multiple of its size.
struct AddressRange {
  std::uint32_t first = 0;
  int prefix = 32;  ///< Bits of the network: 0 to 32.

  /// "10.1.0.0/16"; nothing where it is malformed or has bits set beyond the prefix.
  [[nodiscard]] static std::optional<AddressRange> parse(std::string_view text);

  [[nodiscard]] std::uint64_t size() const { return std::uint64_t{1} << (32 - prefix); }
  [[nodiscard]] bool contains(std::uint32_t address) const {
    return address >= first && address - std::uint64_t{first} < size();
  }
  [[nodiscard]] bool overlaps(const AddressRange& other) const {
    return contains(other.first) || other.contains(first);
  }
  /// The block of `prefix` bits that starts `offset` addresses into this one.
  [[nodiscard]] AddressRange part(std::uint32_t offset, int part_prefix) const { return {first + offset, part_prefix}; }
  [[nodiscard]] std::string to_string() const;
};

}  // namespace fairlead::gitops
