#include "net/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace fairlead::net {
namespace {

// Values of one magnitude, [2^k, 2^(k+1)), share kHalf buckets of equal width; below 2 * kHalf each value has its own.
constexpr std::size_t kHalf = std::size_t{1} << (LogHistogram::kPrecisionBits - 1);

}  // namespace

LogHistogram::LogHistogram() : counts_((kMaxBits - kPrecisionBits + 2) * kHalf) {}

std::size_t LogHistogram::index_of(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  if (width <= kPrecisionBits) return static_cast<std::size_t>(value);
  const unsigned shift = width - kPrecisionBits;
  return shift * kHalf + static_cast<std::size_t>(value >> shift);
}

std::uint64_t LogHistogram::highest_in(std::size_t index) {
  if (index < 2 * kHalf) return index;
  const std::size_t shift = index / kHalf - 1;
  return ((static_cast<std::uint64_t>(index - shift * kHalf) + 1) << shift) - 1;
}

void LogHistogram::record(std::uint64_t value, std::uint64_t times) {
  value = std::min(value, (std::uint64_t{1} << kMaxBits) - 1);
  counts_[index_of(value)] += times;
  count_ += times;
  max_ = std::max(max_, value);
}

void LogHistogram::merge(const LogHistogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t LogHistogram::quantile(double q) const {
  if (count_ == 0) return 0;
  const double exact = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp(static_cast<std::uint64_t>(exact), std::uint64_t{1}, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(highest_in(i), max_);
  }
  return max_;
}

}  // namespace fairlead::net
