// A histogram of whole numbers over many magnitudes, with a bounded relative error: what HdrHistogram does.
#pragma once

#include <cstdint>
#include <vector>

namespace fairlead::net {

/// Values up to 2^kMaxBits are kept with an error of at most 1/512 of the value; larger ones count as that. Constant
/// time and space per value. Not thread-safe; merge one per thread.
class LogHistogram {
 public:
  static constexpr unsigned kPrecisionBits = 10;  ///< Below 2^10 values are exact.
  static constexpr unsigned kMaxBits = 40;        ///< In microseconds: twelve days.

  LogHistogram();
  void record(std::uint64_t value, std::uint64_t times = 1);
  void merge(const LogHistogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }  ///< Exact.
  /// The smallest kept value that at least the share `q` of all values does not exceed; 0 when empty. Never below the
  /// exact quantile, and above it by at most the error named above.
  [[nodiscard]] std::uint64_t quantile(double q) const;

 private:
  [[nodiscard]] static std::size_t index_of(std::uint64_t value);
  [[nodiscard]] static std::uint64_t highest_in(std::size_t index);

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace fairlead::net
