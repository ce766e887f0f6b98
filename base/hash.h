// Hashes whose result is the same on every compiler and machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead {

/// 32- and 64-bit FNV-1a.
[[nodiscard]] std::uint32_t fnv1a32(std::string_view bytes);
[[nodiscard]] std::uint64_t fnv1a64(std::string_view bytes, std::uint64_t seed = 14695981039346656037ULL);
/// Lower-case hex of SHA-256.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);
/// k8s.io/apimachinery/pkg/util/rand.SafeEncodeString of a number: letters and digits without vowels, as in pod names.
[[nodiscard]] std::string safe_encode(std::string_view text);

}  // namespace fairlead
