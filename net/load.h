// Open-loop HTTP load: requests leave by a fixed schedule whatever the server does, and a latency counts from the
// moment its request should have left. A server that stalls therefore shows every request that had to wait, not just
// one (coordinated omission).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/http_client.h"

namespace fairlead::net {

inline constexpr double kMaxLoadRate = 20'000;  ///< Requests per second.
inline constexpr std::uint64_t kMaxLoadRequests = 10'000'000;
inline constexpr std::chrono::hours kMaxLoadDuration{1};
inline constexpr std::size_t kMaxLoadVersions = 16;  ///< Further ones are summed up as "other".

struct LoadOptions {
  /// Where to and, by its host, what the Host header says.
  Url url;
  /// The IP address to connect to when `url.host` is no address itself. Loopback only, like the URL's own.
  std::string connect_to{};
  /// Paths to ask for in turn; empty: the URL's.
  std::vector<std::string> targets{};
  Headers headers{};
  double rate = 50;                            ///< Requests per second.
  std::chrono::milliseconds duration{10'000};  ///< The schedule ends after it, or after `requests`.
  std::uint64_t requests = kMaxLoadRequests;
  std::chrono::milliseconds timeout{5'000};  ///< Per request, from when it really left.
  std::size_t max_in_flight = 4'096;         ///< Requests due over it are not sent: errors of class "overload".
  std::string version_header = "x-app-version";
};

struct VersionReport {
  std::uint64_t requests = 0;
  /// By class: "4xx", "5xx", or why there was no answer: "timeout", "connect", "closed", "overload" …
  std::map<std::string, std::uint64_t> errors;
  std::chrono::microseconds p50{0};
  std::chrono::microseconds p90{0};
  std::chrono::microseconds p99{0};
  std::chrono::microseconds p999{0};
  std::chrono::microseconds max{0};

  [[nodiscard]] std::uint64_t error_count() const;
};

struct LoadReport {
  /// By the answers' version header; "" for answers without one. Latencies are of answers, whatever their status.
  std::map<std::string, VersionReport> versions;
  VersionReport unanswered;  ///< Latencies are of requests that timed out.
  VersionReport total;
  double intended_rate = 0;
  double achieved_rate = 0;  ///< Requests really sent, per second of the schedule so far.
  std::chrono::milliseconds elapsed{0};
  bool finished = false;
};

/// Sends from a thread of its own. Thread-safe.
class LoadGenerator {
 public:
  /// An error for a target that is not loopback, and for limits exceeded.
  [[nodiscard]] static Result<std::unique_ptr<LoadGenerator>> start(LoadOptions options);
  /// Stops, and waits for the requests under way.
  ~LoadGenerator();
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  /// What was seen so far.
  [[nodiscard]] LoadReport report() const;
  /// Waits for the end of the schedule and the last answer.
  [[nodiscard]] LoadReport wait();
  /// The same for at most `patience`; false when the end has not come by then.
  [[nodiscard]] bool wait_for(std::chrono::milliseconds patience);
  /// Ends the schedule now; requests under way are still waited for by `wait`.
  void stop();

 private:
  struct Impl;
  explicit LoadGenerator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fairlead::net
