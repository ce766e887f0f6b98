// Faults on purpose, by configuration, to see a canary rolled back. Off by default.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "service/config.h"

namespace fairlead::service {

/// Counter-based, so a rate is exact: of any 10 requests in a row, 0.2 hits 2. Thread-safe.
///
///   FAULT_ERROR_RATE=0.2        share of requests answered with FAULT_ERROR_CODE instead
///   FAULT_ERROR_CODE=500        400 to 599
///   FAULT_LATENCY_MS=300        delay before a request is handled
///   FAULT_LATENCY_RATE=1        share of requests that are delayed
///   FAULT_AFTER_REQUESTS=0      the first so many requests are spared
class Faults {
 public:
  struct Settings {
    std::int64_t error_millionths = 0;
    int error_code = 500;
    std::chrono::milliseconds latency{0};
    std::int64_t latency_millionths = 0;
    std::uint64_t after = 0;
  };
  struct Fault {
    int error_code = 0;  ///< 0: none.
    std::chrono::milliseconds latency{0};
  };

  explicit Faults(Settings settings) : settings_(settings) {}
  [[nodiscard]] static Settings read(Config& config);
  [[nodiscard]] Fault next();
  [[nodiscard]] bool any() const { return settings_.error_millionths > 0 || settings_.latency_millionths > 0; }

 private:
  Settings settings_;
  std::atomic<std::uint64_t> requests_{0};
};

}  // namespace fairlead::service
