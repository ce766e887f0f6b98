// An open-loop HTTP load generator: requests leave on a fixed schedule, whether or not earlier ones were answered, and
// each latency counts from the moment its request was due. So a server that stalls shows it (no coordinated omission).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "net/http_client.h"

namespace fairlead::net {

inline constexpr double kMaxLoadRate = 50'000;                   ///< Requests per second.
inline constexpr std::chrono::seconds kMaxLoadDuration{3600};

struct LoadOptions {
  Url url;              ///< Its host, or `connect_to`, must be a loopback address; anything else is refused.
  std::string connect_to = "127.0.0.1";
  Headers headers{};
  double rate = 50;     ///< Requests per second, evenly spaced.
  std::chrono::milliseconds duration{30'000};
  unsigned connections = 32;                      ///< Requests under way at once; a due one waits, and its wait counts.
  std::chrono::milliseconds timeout{10'000};      ///< Per request.
  std::string version_header = "x-app-version";   ///< Answers are counted by its value.
  std::stop_token stop{};                         ///< Ends the run early; what was measured is reported.
};

/// In seconds, from the due time of a request to the last byte of its answer.
struct LatencySummary {
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;
};

/// What one version answered. Requests without an answer count under the version "".
struct VersionLoad {
  std::uint64_t requests = 0;
  std::map<int, std::uint64_t> statuses;  ///< HTTP status, or 0 for none.
  LatencySummary latency;

  /// 5xx and no answer.
  [[nodiscard]] std::uint64_t errors() const;
};

struct LoadReport {
  std::uint64_t requests = 0;
  double achieved_rate = 0;
  std::chrono::milliseconds elapsed{0};
  std::map<std::string, VersionLoad> versions;
  VersionLoad total;
};

/// Blocks until every request was answered or gave up. An error when nothing could be sent at all.
[[nodiscard]] Result<LoadReport> run_load(const LoadOptions& options);

}  // namespace fairlead::net
