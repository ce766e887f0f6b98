// Counters and histograms for Prometheus. Threads count in cells of their own, which are added up only when somebody
// scrapes.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::service {

inline constexpr std::size_t kMetricCells = 16;    ///< Threads beyond this many share cells.
inline constexpr std::size_t kMaxSeries = 10'000;  ///< Per registry; what comes later is counted as dropped.
/// Upper bounds in seconds, dense around what a canary is judged by (p99 of 0.1 s to 1 s).
inline constexpr std::array<double, 14> kLatencyBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                          0.25,  0.5,    0.75,  1,    2.5,   5,    10};

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(std::uint64_t by = 1);
  [[nodiscard]] std::uint64_t value() const;

 private:
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> count{0};
  };
  std::array<Cell, kMetricCells> cells_;
};

class Histogram {
 public:
  void observe(std::chrono::nanoseconds took);
  struct Snapshot {
    std::array<std::uint64_t, kLatencyBounds.size() + 1> buckets{};  ///< Not cumulative; the last is above all bounds.
    double sum_seconds = 0;
  };
  [[nodiscard]] Snapshot snapshot() const;

 private:
  struct alignas(64) Cell {
    std::array<std::atomic<std::uint64_t>, kLatencyBounds.size() + 1> buckets{};
    std::atomic<std::uint64_t> nanoseconds{0};
  };
  std::array<Cell, kMetricCells> cells_;
};

/// Thread-safe. Series live as long as the registry, at one address: look them up once and keep the reference.
class MetricRegistry {
 public:
  MetricRegistry();

  /// The series of family `name` with these labels, made on first use. `help` counts the first time.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels);
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels);
  /// A number that is asked for at each scrape; a counter when its name ends in _total.
  void gauge(std::string_view name, std::string_view help, const Labels& labels, std::function<double()> read);

  /// The text format, version 0.0.4, families and series sorted.
  [[nodiscard]] std::string scrape() const;

 private:
  struct Family {
    std::string help;
    std::string type;
    std::map<std::string, std::unique_ptr<Counter>> counters;  // By their labels as text.
    std::map<std::string, std::unique_ptr<Histogram>> histograms;
    std::map<std::string, std::function<double()>> gauges;
  };
  Family& family(std::string_view name, std::string_view help, std::string_view type);
  bool take_series();

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
  std::size_t series_ = 0;
  Counter dropped_counter_;
  Histogram dropped_histogram_;
  std::atomic<std::uint64_t> dropped_{0};
};

/// The RED metrics of one service: http_requests_total{code,method,route}, http_request_duration_seconds{method,route}.
class RequestMetrics {
 public:
  explicit RequestMetrics(MetricRegistry& registry) : registry_(registry) {}
  /// Shows a route from the start, with the codes that a gate counts, at zero: `increase()` of Prometheus does not see
  /// what a series had when it was scraped first.
  void expect(std::string_view method, std::string_view route);
  /// `route` is the pattern, never the path.
  void record(int code, std::string_view method, std::string_view route, std::chrono::nanoseconds took);

 private:
  struct Series {
    Counter* counter;
    Histogram* histogram;
  };
  const Series& series(int code, std::string_view method, std::string_view route);

  MetricRegistry& registry_;
  std::mutex mutex_;
  std::map<std::tuple<int, std::string, std::string>, Series, std::less<>> series_;
};

}  // namespace fairlead::service
