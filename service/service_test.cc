#include "service/service.h"

#include <array>
#include <fstream>
#include <future>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/json.h"
#include "service/delay.h"

namespace fairlead::service {
namespace {

using namespace std::chrono_literals;

/// Answers "GET /greet/{name}" at once and "GET /hold" when told to.
class Greet final : public Handler {
 public:
  std::string_view route() const override { return "/greet/{name}"; }
  void handle(std::shared_ptr<const Call> call, Answer answer) override {
    answer({.body = "hello " + call->parameters.find("name")->second});
  }
};

class Hold final : public Handler {
 public:
  explicit Hold(std::promise<std::pair<std::shared_ptr<const Call>, Answer>>& held) : held_(held) {}
  std::string_view route() const override { return "/hold"; }
  void handle(std::shared_ptr<const Call> call, Answer answer) override {
    held_.set_value({std::move(call), std::move(answer)});
  }

 private:
  std::promise<std::pair<std::shared_ptr<const Call>, Answer>>& held_;
};

class ServiceTest : public ::testing::Test {
 protected:
  void start(Settings settings = {}) {
    settings.name = "test";
    settings.version = "1.2.3";
    settings.address = "127.0.0.1";
    settings.port = 0;
    Handlers handlers;
    handlers.push_back(std::make_unique<Greet>());
    handlers.push_back(std::make_unique<Hold>(held_));
    auto service = Service::start(settings, std::move(handlers), log_, metrics_);
    ASSERT_TRUE(service.has_value()) << service.error().to_string();
    service_ = std::move(*service);
  }
  net::ClientRequest request(const std::string& target, std::uint16_t port = 0) const {
    return {.url = {.host = "127.0.0.1", .port = port != 0 ? port : service_->port(), .target = target}};
  }
  net::Response get(const std::string& target, std::uint16_t port = 0) {
    auto response = client_.fetch(request(target, port));
    return response ? *std::move(response) : net::Response{.status = 0, .body = response.error().message};
  }
  /// The log so far, line by line.
  std::vector<Value> log_lines() const {
    std::ifstream file(log_path_);
    std::vector<Value> lines;
    for (std::string line; std::getline(file, line);) {
      auto value = parse_json(line);
      EXPECT_TRUE(value.has_value()) << line;
      if (value) lines.push_back(*std::move(value));
    }
    return lines;
  }

  std::string log_path_ = ::testing::TempDir() + "service_test." + std::to_string(::getpid()) + ".log";
  int log_fd_ = ::open(log_path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  Log log_{log_fd_, Level::kInfo, "test", "1.2.3"};
  MetricRegistry metrics_;
  std::promise<std::pair<std::shared_ptr<const Call>, Handler::Answer>> held_;
  net::HttpClient client_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, RoutesCountsAndLogsRequests) {
  start();
  net::ClientRequest with_trace = request("/greet/a%20b");
  with_trace.headers.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  with_trace.headers.add("x-request-id", "abc");
  EXPECT_NE(get("/metrics").body.find("http_requests_total{code=\"500\",method=\"GET\",route=\"/greet/{name}\"} 0\n"),
            std::string::npos);
  const auto response = client_.fetch(with_trace);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "hello a b");
  EXPECT_EQ(response->headers.get("X-App-Version"), "1.2.3");
  EXPECT_EQ(response->headers.get("X-Request-Id"), "abc");
  EXPECT_EQ(get("/nothing").status, 404);
  net::ClientRequest post = request("/greet/x");
  post.method = "POST";
  const auto refused = client_.fetch(post);
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status, 405);
  EXPECT_EQ(refused->headers.get("allow"), "GET");

  const std::string metrics = get("/metrics").body;
  for (const char* line :
       {"http_requests_total{code=\"200\",method=\"GET\",route=\"/greet/{name}\"} 1\n",
        "http_requests_total{code=\"404\",method=\"GET\",route=\"unmatched\"} 1\n",
        "http_requests_total{code=\"405\",method=\"POST\",route=\"unmatched\"} 1\n",
        "http_request_duration_seconds_bucket{method=\"GET\",route=\"/greet/{name}\",le=\"+Inf\"} 1\n",
        "app_info{service=\"test\",version=\"1.2.3\"} 1\n"}) {
    EXPECT_NE(metrics.find(line), std::string::npos) << line << metrics;
  }
  constexpr std::string_view kStarted = "\nprocess_start_time_seconds ";
  const std::size_t started = metrics.find(kStarted);
  ASSERT_NE(started, std::string::npos) << metrics;
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(std::stod(metrics.substr(started + kStarted.size())), now, 60);
  EXPECT_EQ(metrics.find("readyz"), std::string::npos) << "probes and scrapes are no traffic";
  const auto lines = log_lines();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("trace_id").str(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_NE(lines[0].at("span_id").str(), "b7ad6b7169203331");
  EXPECT_EQ(lines[0].at("request_id").str(), "abc");
  EXPECT_EQ(lines[0].at("code").int_or(0), 200);
  EXPECT_EQ(lines[0].at("route").str(), "/greet/{name}");
}

TEST_F(ServiceTest, ALongPathLeavesItsLogLineWhole) {
  start();
  EXPECT_EQ(get("/" + std::string(60'000, 'x')).status, 404);
  const auto lines = log_lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("path").str().size(), 1024U);
  EXPECT_FALSE(lines[0].at("span_id").str().empty()) << "the members behind it are there";
}

TEST(ServiceLog, NobodyReadingItStopsNoRequest) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const Log log(pipe[1], Level::kInfo, "test", "1");
  MetricRegistry metrics;
  Handlers handlers;
  handlers.push_back(std::make_unique<Greet>());
  auto service = Service::start({.name = "test", .address = "127.0.0.1", .port = 0}, std::move(handlers), log, metrics);
  ASSERT_TRUE(service.has_value()) << service.error().to_string();
  net::HttpClient client;
  const auto status = [&](const std::string& target) {
    const auto got = client.fetch({.url = {.host = "127.0.0.1", .port = (*service)->port(), .target = target}});
    return got ? got->status : 0;
  };
  while (log.dropped() == 0) ASSERT_EQ(status("/greet/" + std::string(1000, 'x')), 200);
  EXPECT_EQ(status("/livez"), 200);
  EXPECT_NE(metrics.scrape().find("\nlog_lines_dropped_total 1\n"), std::string::npos) << metrics.scrape();
  service->reset();
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(ServiceTest, HealthFollowsReadinessAndDrainWaits) {
  start();
  EXPECT_EQ(get("/readyz").status, 200);
  std::promise<net::ClientResult<net::Response>> answer;
  client_.send(request("/hold"), [&](net::ClientResult<net::Response> result) { answer.set_value(std::move(result)); });
  auto [call, respond] = held_.get_future().get();
  service_->set_ready(false);
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/livez").status, 200);
  auto drained = std::async(std::launch::async, [&] { return service_->drain(); });
  respond({.body = "held"});
  EXPECT_EQ(answer.get_future().get()->body, "held");
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(get("/livez").status, 0) << "the port is closed";
}

TEST_F(ServiceTest, TheAdminPortTakesTheMetricsAway) {
  start({.admin_port = -1});
  EXPECT_EQ(get("/metrics").status, 404);
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(get("/metrics", service_->admin_port()).status, 200);
  EXPECT_EQ(get("/readyz", service_->admin_port()).status, 200);
  EXPECT_EQ(get("/greet/x", service_->admin_port()).status, 404);
}

TEST_F(ServiceTest, RefusesMoreThanItCanHandle) {
  start({.max_in_flight = 1});
  client_.send(request("/hold"), [](net::ClientResult<net::Response>) {});
  auto [call, respond] = held_.get_future().get();
  const auto busy = get("/greet/x");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.headers.get("retry-after"), "1");
  EXPECT_EQ(get("/livez").status, 200);
  respond({});
}

TEST_F(ServiceTest, FaultsAreExact) {
  start({.faults = {.error_millionths = 200'000, .error_code = 503}});
  int failed = 0;
  for (int i = 0; i < 50; ++i) failed += get("/greet/x").status == 503 ? 1 : 0;
  EXPECT_EQ(failed, 10);
  EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(ServiceTest, DelaysOnDemand) {
  start({.faults = {.latency = 60ms, .latency_millionths = 1'000'000}});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(get("/greet/x").status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 60ms);
}

TEST_F(ServiceTest, TheCallersPatienceIsTheDeadline) {
  start();
  net::ClientRequest impatient = request("/hold");
  impatient.headers.add(kTimeoutHeader, "150");
  client_.send(impatient, [](net::ClientResult<net::Response>) {});
  auto [call, respond] = held_.get_future().get();
  EXPECT_LE(call->context.remaining(), 150ms);
  net::Headers onward;
  call->context.pass_on(onward);
  EXPECT_LE(std::stoi(std::string(onward.get(kTimeoutHeader))), 150);
  EXPECT_EQ(TraceParent::parse(onward.get("traceparent"))->span_id, call->context.trace.span_id);
  respond({});
}

TEST(Faults, AnyWindowHoldsItsShare) {
  Faults faults({.error_millionths = 100'000, .after = 7});
  int in_window = 0;
  for (int i = 0; i < 7; ++i) EXPECT_EQ(faults.next().error_code, 0);
  for (int i = 0; i < 1000; ++i) {
    in_window += faults.next().error_code != 0 ? 1 : 0;
    if (i % 10 == 9) {
      EXPECT_EQ(std::exchange(in_window, 0), 1);
    }
  }
  Faults off({});
  EXPECT_EQ(off.next().error_code, 0);
}

TEST(Config, ReadsEnvironmentOverFileOverDefaults) {
  Config config({{"PORT", "81"}}, Value::object({{"PORT", 82}, {"THREADS", 3}}), "app.yaml");
  EXPECT_EQ(config.integer("PORT", 80, 0, 65535), 81);
  EXPECT_EQ(config.integer("THREADS", 2, 1, 64), 3);
  EXPECT_EQ(config.duration("REQUEST_TIMEOUT", 5s), 5s);
  EXPECT_TRUE(config.check().has_value());
}

TEST(Config, SaysEverythingThatIsWrong) {
  Value file = Value::object({{"PORTT", 82}, {"LIST", Value::array()}});
  file.find("PORTT")->set_position(4, 1);
  Config config({{"PORT", "x"}, {"FAULT_EROR_RATE", "1"}, {"REQUEST_TIMEOUT", "5"}}, file, "app.yaml");
  static_cast<void>(config.integer("PORT", 80, 0, 65535));
  static_cast<void>(config.duration("REQUEST_TIMEOUT", 5s));
  const auto checked = config.check();
  ASSERT_FALSE(checked.has_value());
  const std::string& text = checked.error().message;
  for (const char* part :
       {"PORT: \"x\" is not a whole number from 0 to 65535", "FAULT_EROR_RATE: no such setting",
        "app.yaml:4: PORTT is no setting", "REQUEST_TIMEOUT: \"5\" is not a duration", "LIST must be"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(TraceParent, FollowsTheStandard) {
  const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  ASSERT_TRUE(TraceParent::parse(good).has_value());
  EXPECT_EQ(TraceParent::parse(good)->to_string(), good);
  EXPECT_TRUE(TraceParent::parse("cc" + good.substr(2) + "-future").has_value());
  for (const std::string& bad :
       {std::string(), good + "-x", "ff" + good.substr(2), "00-" + std::string(32, '0') + good.substr(35),
        good.substr(0, 36) + std::string(16, '0') + "-01",
        std::string("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")}) {
    EXPECT_FALSE(TraceParent::parse(bad).has_value()) << bad;
  }
}

TEST(Metrics, ThreadsAddUpAndBucketsAreCumulative) {
  MetricRegistry registry;
  Counter& counter = registry.counter("c_total", "Help.", {{"a", "x\"y\\\n"}});
  Histogram& histogram = registry.histogram("h", "Help.", {});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 20; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) counter.add();
        histogram.observe(5ms);
        histogram.observe(20s);
      });
    }
  }
  const std::string text = registry.scrape();
  for (const char* line : {"c_total{a=\"x\\\"y\\\\\\n\"} 20000\n", "h_bucket{le=\"0.0025\"} 0\n",
                           "h_bucket{le=\"0.005\"} 20\n", "h_bucket{le=\"10\"} 20\n", "h_bucket{le=\"+Inf\"} 40\n",
                           "h_sum 400.1\n", "h_count 40\n", "# TYPE h histogram\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(DelayQueue, RunsInOrderOfTimeAndDropsTheRest) {
  std::string order;
  std::promise<void> done;
  {
    DelayQueue queue;
    queue.after(1h, [&] { order += "never"; });
    queue.after(20ms, [&] {
      order += "b";
      done.set_value();
    });
    queue.after(1ms, [&] { order += "a"; });
    done.get_future().wait();
  }
  EXPECT_EQ(order, "ab");
}

}  // namespace
}  // namespace fairlead::service
