// What the API server counts about itself, for Prometheus.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

namespace fairlead::api {

/// Any thread.
class ServerMetrics {
 public:
  /// One request answered. `resource` is one that exists, or "": every other value would be a series for ever. Verbs
  /// that nobody knows count as "other".
  void count(std::string_view verb, std::string_view resource, int code, std::chrono::steady_clock::duration took);
  void stream_begun(std::string_view verb, std::string_view resource);

  /// Appends Prometheus' text form. Source of the names: k8s.io/apiserver/pkg/endpoints/metrics/metrics.go.
  void append(std::string& out) const;

 private:
  static constexpr std::array<double, 10> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5};
  struct Histogram {
    std::array<std::uint64_t, kBounds.size() + 1> buckets{};
    std::uint64_t count = 0;
    double sum = 0;
  };
  using Label = std::pair<std::string, std::string>;  // verb, resource

  mutable std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, int>, std::uint64_t> requests_;
  std::map<Label, Histogram> durations_;
};

}  // namespace fairlead::api
