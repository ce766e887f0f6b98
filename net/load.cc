#include "net/load.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <arpa/inet.h>

#include <fmt/format.h>

#include "net/histogram.h"

namespace fairlead::net {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

bool is_loopback(const std::string& address) {
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Result<> check(LoadOptions& options) {
  if (options.connect_to.empty()) options.connect_to = options.url.host == "localhost" ? "127.0.0.1" : options.url.host;
  if (!is_loopback(options.connect_to)) {
    return fail("load is for this machine alone: {} is not a loopback address", options.connect_to);
  }
  if (options.url.tls) return fail("load speaks plain HTTP only; use an http:// URL");
  if (!(options.rate > 0 && options.rate <= kMaxLoadRate)) {
    return fail("a rate of {} requests per second is not within 0 and {}", options.rate, kMaxLoadRate);
  }
  if (options.duration.count() <= 0 || options.duration > kMaxLoadDuration) {
    return fail("the duration must be within 0 and {} h", kMaxLoadDuration.count());
  }
  if (options.timeout.count() <= 0) return fail("the timeout must be more than 0");
  if (options.requests == 0 || options.requests > kMaxLoadRequests) {
    return fail("the number of requests must be within 1 and {}", kMaxLoadRequests);
  }
  if (options.targets.empty()) options.targets.push_back(options.url.target);
  return {};
}

std::chrono::microseconds micros(std::uint64_t count) {
  return std::chrono::microseconds(static_cast<std::int64_t>(count));
}

}  // namespace

std::uint64_t VersionReport::error_count() const {
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : errors) sum += count;
  return sum;
}

struct LoadGenerator::Impl {
  struct Series {
    std::uint64_t requests = 0;
    std::map<std::string, std::uint64_t> errors;
    LogHistogram latencies;

    [[nodiscard]] VersionReport report() const;
    void add(const Series& other);
  };

  explicit Impl(LoadOptions given)
      : options(std::move(given)),
        client(ClientOptions{.max_connections = 2 * options.max_in_flight, .max_idle = options.max_in_flight}) {}

  void run();
  void send(std::uint64_t index, SteadyTime intended);
  [[nodiscard]] Series& series_of(const std::string& version);
  void record(Series& series, const std::string& error, std::optional<std::chrono::microseconds> latency);
  [[nodiscard]] LoadReport report_locked() const;
  [[nodiscard]] bool finished() const { return schedule_ended.has_value() && in_flight == 0; }

  LoadOptions options;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Series> versions;
  Series unanswered;
  std::uint64_t sent = 0;
  std::size_t in_flight = 0;
  SteadyTime started = std::chrono::steady_clock::now();
  std::optional<SteadyTime> schedule_ended;
  bool stopping = false;
  HttpClient client;  // Its destructor ends the calls under way, which still record: before everything that they use.
  std::thread thread;
};

VersionReport LoadGenerator::Impl::Series::report() const {
  return {.requests = requests,
          .errors = errors,
          .p50 = micros(latencies.quantile(0.5)),
          .p90 = micros(latencies.quantile(0.9)),
          .p99 = micros(latencies.quantile(0.99)),
          .p999 = micros(latencies.quantile(0.999)),
          .max = micros(latencies.max())};
}

void LoadGenerator::Impl::Series::add(const Series& other) {
  requests += other.requests;
  for (const auto& [kind, count] : other.errors) errors[kind] += count;
  latencies.merge(other.latencies);
}

void LoadGenerator::Impl::run() {
  const auto gap = std::chrono::duration<double>(1 / options.rate);
  std::unique_lock lock(mutex);
  started = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < options.requests && !stopping; ++i) {
    const auto offset = std::chrono::duration_cast<std::chrono::nanoseconds>(gap * static_cast<double>(i));
    if (offset >= options.duration) break;
    const SteadyTime intended = started + offset;
    if (std::chrono::steady_clock::now() < intended) {
      changed.wait_until(lock, intended, [&] { return stopping || std::chrono::steady_clock::now() >= intended; });
      if (stopping) break;
    }
    if (in_flight >= options.max_in_flight) {
      ++unanswered.requests;
      ++unanswered.errors["overload"];
      continue;
    }
    ++in_flight;
    ++sent;
    lock.unlock();
    send(i, intended);
    lock.lock();
  }
  schedule_ended = std::chrono::steady_clock::now();
  changed.notify_all();
}

void LoadGenerator::Impl::send(std::uint64_t index, SteadyTime intended) {
  ClientRequest request{.url = options.url, .headers = options.headers, .connect_to = options.connect_to};
  request.url.target = options.targets[index % options.targets.size()];
  request.timeout = options.timeout;
  client.send(std::move(request), [this, intended](ClientResult<Response> answer) {
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - intended);
    const std::lock_guard lock(mutex);
    if (answer) {
      return record(series_of(std::string(answer->headers.get(options.version_header))),
                    answer->status >= 500   ? "5xx"
                    : answer->status >= 400 ? "4xx"
                                            : "",
                    took);
    }
    const bool waited = answer.error().kind == ClientError::Kind::kTimeout;
    record(unanswered, std::string(to_string(answer.error().kind)), waited ? std::optional(took) : std::nullopt);
  });
}

LoadGenerator::Impl::Series& LoadGenerator::Impl::series_of(const std::string& version) {
  const bool known = versions.contains(version) || versions.size() < kMaxLoadVersions;
  return versions[known ? version : "other"];
}

void LoadGenerator::Impl::record(Series& series, const std::string& error,
                                 std::optional<std::chrono::microseconds> latency) {
  ++series.requests;
  if (!error.empty()) ++series.errors[error];
  if (latency) series.latencies.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, latency->count())));
  --in_flight;
  if (in_flight == 0) changed.notify_all();
}

LoadReport LoadGenerator::Impl::report_locked() const {
  LoadReport report;
  report.unanswered = unanswered.report();
  Series total = unanswered;
  for (const auto& [version, series] : versions) {
    report.versions[version] = series.report();
    total.add(series);
  }
  report.total = total.report();
  report.intended_rate = options.rate;
  const auto until = schedule_ended.value_or(std::chrono::steady_clock::now());
  report.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(until - started);
  const double seconds = std::chrono::duration<double>(until - started).count();
  report.achieved_rate = seconds > 0 ? static_cast<double>(sent) / seconds : 0;
  report.finished = finished();
  return report;
}

LoadGenerator::LoadGenerator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<LoadGenerator>> LoadGenerator::start(LoadOptions options) {
  if (auto checked = check(options); !checked) return std::unexpected(checked.error());
  auto impl = std::make_unique<Impl>(std::move(options));
  impl->thread = std::thread([raw = impl.get()] { raw->run(); });
  return std::unique_ptr<LoadGenerator>(new LoadGenerator(std::move(impl)));
}

LoadGenerator::~LoadGenerator() {
  stop();
  impl_->thread.join();
}

LoadReport LoadGenerator::report() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->report_locked();
}

LoadReport LoadGenerator::wait() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return impl_->finished(); });
  return impl_->report_locked();
}

bool LoadGenerator::wait_for(std::chrono::milliseconds patience) {
  std::unique_lock lock(impl_->mutex);
  return impl_->changed.wait_for(lock, patience, [&] { return impl_->finished(); });
}

void LoadGenerator::stop() {
  const std::lock_guard lock(impl_->mutex);
  impl_->stopping = true;
  impl_->changed.notify_all();
}

}  // namespace fairlead::net
