#include "service/metrics.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "net/http_message.h"

namespace fairlead::service {
namespace {

std::size_t own_cell() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t cell = next.fetch_add(1, std::memory_order_relaxed) % kMetricCells;
  return cell;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string text_of(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", name, escaped(value));
  return out;
}

std::string in_braces(std::string_view labels) { return labels.empty() ? "" : fmt::format("{{{}}}", labels); }

void append_histogram(std::string& out, std::string_view name, const std::string& labels, const Histogram& histogram) {
  const auto snapshot = histogram.snapshot();
  const std::string_view comma = labels.empty() ? "" : ",";
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < snapshot.buckets.size(); ++i) {
    count += snapshot.buckets[i];
    const std::string bound = i < kLatencyBounds.size() ? fmt::format("{}", kLatencyBounds[i]) : "+Inf";
    out += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, bound, count);
  }
  out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, in_braces(labels), snapshot.sum_seconds, name,
                     in_braces(labels), count);
}

std::string_view known_method(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    if (method == known) return known;
  }
  return "OTHER";
}

}  // namespace

void Counter::add(std::uint64_t by) { cells_[own_cell()].count.fetch_add(by, std::memory_order_relaxed); }

std::uint64_t Counter::value() const {
  std::uint64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.count.load(std::memory_order_relaxed);
  return sum;
}

void Histogram::observe(std::chrono::nanoseconds took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const auto place = std::ranges::lower_bound(kLatencyBounds, seconds);
  Cell& cell = cells_[own_cell()];
  cell.buckets[static_cast<std::size_t>(place - kLatencyBounds.begin())].fetch_add(1, std::memory_order_relaxed);
  cell.nanoseconds.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot snapshot;
  std::uint64_t nanoseconds = 0;
  for (const Cell& cell : cells_) {
    for (std::size_t i = 0; i < cell.buckets.size(); ++i) {
      snapshot.buckets[i] += cell.buckets[i].load(std::memory_order_relaxed);
    }
    nanoseconds += cell.nanoseconds.load(std::memory_order_relaxed);
  }
  snapshot.sum_seconds = static_cast<double>(nanoseconds) / 1e9;
  return snapshot;
}

MetricRegistry::MetricRegistry() {
  gauge("metric_series_dropped", "Requests for series beyond the registry's limit.", {},
        [this] { return static_cast<double>(dropped_.load(std::memory_order_relaxed)); });
}

MetricRegistry::Family& MetricRegistry::family(std::string_view name, std::string_view help, std::string_view type) {
  const auto found = families_.find(name);
  if (found != families_.end()) return found->second;
  Family& made = families_[std::string(name)];
  made.help = help;
  made.type = type;
  return made;
}

bool MetricRegistry::take_series() {
  if (series_ >= kMaxSeries) return dropped_.fetch_add(1, std::memory_order_relaxed), false;
  ++series_;
  return true;
}

Counter& MetricRegistry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  auto& counters = family(name, help, "counter").counters;
  const std::string key = text_of(labels);
  if (const auto found = counters.find(key); found != counters.end()) return *found->second;
  if (!take_series()) return dropped_counter_;
  return *counters.emplace(key, std::make_unique<Counter>()).first->second;
}

Histogram& MetricRegistry::histogram(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  auto& histograms = family(name, help, "histogram").histograms;
  const std::string key = text_of(labels);
  if (const auto found = histograms.find(key); found != histograms.end()) return *found->second;
  if (!take_series()) return dropped_histogram_;
  return *histograms.emplace(key, std::make_unique<Histogram>()).first->second;
}

void MetricRegistry::gauge(std::string_view name, std::string_view help, const Labels& labels,
                           std::function<double()> read) {
  const std::lock_guard lock(mutex_);
  const std::string_view type = name.ends_with("_total") ? "counter" : "gauge";
  if (take_series()) family(name, help, type).gauges[text_of(labels)] = std::move(read);
}

std::string MetricRegistry::scrape() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, family.type);
    for (const auto& [labels, counter] : family.counters) {
      out += fmt::format("{}{} {}\n", name, in_braces(labels), counter->value());
    }
    for (const auto& [labels, read] : family.gauges) out += fmt::format("{}{} {}\n", name, in_braces(labels), read());
    for (const auto& [labels, histogram] : family.histograms) append_histogram(out, name, labels, *histogram);
  }
  return out;
}

const RequestMetrics::Series& RequestMetrics::series(int code, std::string_view method, std::string_view route) {
  const std::lock_guard lock(mutex_);
  const auto found = series_.find(std::tuple(code, method, route));
  if (found != series_.end()) return found->second;
  Series made{&registry_.counter(
                  "http_requests_total", "Requests answered, by status code, method and route.",
                  {{"code", std::to_string(code)}, {"method", std::string(method)}, {"route", std::string(route)}}),
              &registry_.histogram("http_request_duration_seconds", "Time from a request's arrival to its answer.",
                                   {{"method", std::string(method)}, {"route", std::string(route)}})};
  return series_.emplace(std::tuple(code, std::string(method), std::string(route)), made).first->second;
}

void RequestMetrics::expect(std::string_view method, std::string_view route) {
  for (const int code : {200, 500, 502, 503, 504}) static_cast<void>(series(code, known_method(method), route));
}

void RequestMetrics::record(int code, std::string_view method, std::string_view route, std::chrono::nanoseconds took) {
  const Series& found = series(code, known_method(method), route);
  found.counter->add();
  found.histogram->observe(took);
}

}  // namespace fairlead::service
