#include "net/load.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "net/histogram.h"
#include "net/http_server.h"

namespace fairlead::net {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<HttpServer> serve(Handler handler) { return std::move(*HttpServer::start({}, std::move(handler))); }

LoadOptions load_on(const HttpServer& server, double rate, std::chrono::milliseconds duration) {
  return {.url = {.host = "shop.example", .port = server.port()},
          .connect_to = "127.0.0.1",
          .rate = rate,
          .duration = duration};
}

LoadReport run(LoadOptions options) { return (*LoadGenerator::start(std::move(options)))->wait(); }

void expect_near_exact(std::vector<std::uint64_t> values) {
  LogHistogram histogram;
  LogHistogram half;
  for (std::size_t i = 0; i < values.size(); ++i) (i % 2 == 0 ? histogram : half).record(values[i]);
  histogram.merge(half);
  std::ranges::sort(values);
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.max(), values.back());
  for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
    const std::uint64_t exact = values[std::max<std::size_t>(rank, 1) - 1];
    const std::uint64_t found = histogram.quantile(q);
    EXPECT_GE(found, exact) << q;
    EXPECT_LE(static_cast<double>(found), static_cast<double>(exact) * (1 + 1.0 / 512)) << q;
  }
}

TEST(LogHistogram, KeepsQuantilesWithinItsError) {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> even;
  std::vector<std::uint64_t> wide;
  for (int i = 0; i < 20'000; ++i) {
    even.push_back(random() % 1'000);
    wide.push_back(std::uint64_t{1} << (random() % 39) | random() % 1'000);
  }
  expect_near_exact(even);
  expect_near_exact(wide);
  expect_near_exact({0});
  expect_near_exact({1023, 1024, 1025, 2047, 2048, 2049});
}

TEST(LogHistogram, BoundsWhatIsTooLarge) {
  LogHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0U);
  histogram.record(~std::uint64_t{0});
  EXPECT_EQ(histogram.quantile(1), (std::uint64_t{1} << LogHistogram::kMaxBits) - 1);
}

TEST(Load, KeepsItsScheduleAndSplitsByVersion) {
  std::atomic<int> count{0};
  const auto server = serve([&](const Request& request, const ResponseWriter& response) {
    const int n = count++;
    EXPECT_TRUE(request.headers.get("host").starts_with("shop.example:"));
    const bool canary = n % 10 == 9;
    response.send({.status = canary && n % 20 == 19 ? 500 : 200, .headers = {{"x-app-version", canary ? "2" : "1"}}});
  });
  LoadOptions options = load_on(*server, 400, 10s);
  options.requests = 200;
  const LoadReport report = run(options);
  EXPECT_TRUE(report.finished);
  EXPECT_EQ(report.total.requests, 200U);
  EXPECT_EQ(report.versions.at("1").requests, 180U);
  EXPECT_EQ(report.versions.at("1").error_count(), 0U);
  EXPECT_EQ(report.versions.at("2").requests, 20U);
  EXPECT_EQ(report.versions.at("2").errors.at("5xx"), 10U);
  EXPECT_GT(report.achieved_rate, 200);
  EXPECT_LT(report.achieved_rate, 420);
  EXPECT_GT(report.total.p50, 0us);
}

/// Stalls once, for a second, in the middle of the run.
Handler stalling_at(int request) {
  return [request, count = std::make_shared<std::atomic<int>>(0)](const Request&, const ResponseWriter& response) {
    if ((*count)++ == request) std::this_thread::sleep_for(1s);
    response.send({});
  };
}

TEST(Load, AStallOfTheServerShowsInTheTail) {
  const auto server = serve(stalling_at(100));
  const LoadReport report = run(load_on(*server, 200, 3s));
  EXPECT_EQ(report.total.requests, 600U);
  EXPECT_EQ(report.total.error_count(), 0U);
  EXPECT_GT(report.total.p99, 900ms);
  EXPECT_GT(report.total.p90, 400ms) << "a third of the requests fell into that second";

  // The same server asked in a closed loop: while it stalls nobody asks, and the second counts as one slow request.
  const auto again = serve(stalling_at(100));
  HttpClient client;
  LogHistogram closed;
  for (int i = 0; i < 600; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(client.fetch({.url = {.host = "127.0.0.1", .port = again->port()}}).has_value());
    const auto took = std::chrono::steady_clock::now() - begun;
    closed.record(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }
  EXPECT_LT(closed.quantile(0.99), 500'000U);
}

TEST(Load, CountsFailuresByTheirClass) {
  std::uint16_t nobody = 0;
  {
    const auto gone = serve([](const Request&, const ResponseWriter&) {});
    nobody = gone->port();
  }
  LoadOptions refused{.url = {.host = "127.0.0.1", .port = nobody}, .rate = 1000};
  refused.requests = 20;
  const LoadReport unheard = run(refused);
  EXPECT_EQ(unheard.unanswered.errors.at("connect"), 20U);
  EXPECT_TRUE(unheard.versions.empty()) << "no answer has a version, not even none";

  std::mutex mutex;
  std::vector<ResponseWriter> kept;
  const auto silent = serve([&](const Request&, ResponseWriter response) {
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(response));
  });
  LoadOptions slow = load_on(*silent, 1000, 1s);
  slow.requests = 20;
  slow.timeout = 150ms;
  slow.max_in_flight = 15;
  const LoadReport report = run(slow);
  EXPECT_EQ(report.total.errors.at("timeout"), 15U);
  EXPECT_EQ(report.total.errors.at("overload"), 5U);
  EXPECT_GE(report.total.p50, 150ms);
}

TEST(Load, StopsWhenTold) {
  const auto server = serve([](const Request&, const ResponseWriter& response) { response.send({}); });
  const auto load = std::move(*LoadGenerator::start(load_on(*server, 100, 60s)));
  while (load->report().total.requests < 3) std::this_thread::yield();
  EXPECT_FALSE(load->wait_for(1ms)) << "a minute has not passed";
  load->stop();
  EXPECT_TRUE(load->wait_for(30s));
  const LoadReport report = load->wait();
  EXPECT_TRUE(report.finished);
  EXPECT_LT(report.elapsed, 30s);
}

TEST(Load, RefusesOtherMachinesAndAbsurdNumbers) {
  const auto refuses = [](LoadOptions options) { return !LoadGenerator::start(std::move(options)).has_value(); };
  EXPECT_TRUE(refuses({.url = {.host = "example.org"}}));
  EXPECT_TRUE(refuses({.url = {.host = "10.0.0.1"}}));
  EXPECT_TRUE(refuses({.url = {.host = "shop.example"}, .connect_to = "192.168.1.1"}));
  EXPECT_TRUE(refuses({.url = {.host = "127.0.0.1.example.org"}}));
  EXPECT_TRUE(refuses({.url = {.tls = true, .host = "127.0.0.1"}}));
  EXPECT_TRUE(refuses({.url = {.host = "127.0.0.1"}, .rate = 0}));
  EXPECT_TRUE(refuses({.url = {.host = "127.0.0.1"}, .rate = 1e9}));
  EXPECT_TRUE(refuses({.url = {.host = "127.0.0.1"}, .duration = 2h}));
}

}  // namespace
}  // namespace fairlead::net
