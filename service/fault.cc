#include "service/fault.h"

#include <cmath>

namespace fairlead::service {
namespace {

constexpr std::int64_t kMillion = 1'000'000;

bool due(std::uint64_t n, std::int64_t millionths) {
  const auto rate = static_cast<std::uint64_t>(millionths);
  const std::uint64_t in_round = n % kMillion;  // The pattern repeats, so nothing overflows.
  return (in_round + 1) * rate / kMillion > in_round * rate / kMillion;
}

}  // namespace

Faults::Settings Faults::read(Config& config) {
  Settings settings;
  settings.error_millionths = std::llround(config.number("FAULT_ERROR_RATE", 0, 0, 1) * kMillion);
  settings.error_code = static_cast<int>(config.integer("FAULT_ERROR_CODE", 500, 400, 599));
  settings.latency = config.milliseconds("FAULT_LATENCY_MS", 0, 60'000);
  const double share = config.number("FAULT_LATENCY_RATE", 1, 0, 1);
  settings.latency_millionths = settings.latency.count() == 0 ? 0 : std::llround(share * kMillion);
  settings.after = static_cast<std::uint64_t>(config.integer("FAULT_AFTER_REQUESTS", 0, 0, INT64_MAX));
  return settings;
}

Faults::Fault Faults::next() {
  if (!any()) return {};
  const std::uint64_t count = requests_.fetch_add(1, std::memory_order_relaxed);
  if (count < settings_.after) return {};
  const std::uint64_t n = count - settings_.after;
  return {.error_code = due(n, settings_.error_millionths) ? settings_.error_code : 0,
          .latency = due(n, settings_.latency_millionths) ? settings_.latency : std::chrono::milliseconds{0}};
}

}  // namespace fairlead::service
