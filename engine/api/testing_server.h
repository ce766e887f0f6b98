// A whole API server in this process, on a loopback port, forgetting everything with it. For tests.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/api/admission.h"
#include "engine/api/api.h"
#include "engine/api/bootstrap.h"
#include "engine/api/journal.h"
#include "engine/api/kubeconfig.h"
#include "engine/api/pki.h"
#include "engine/api/server.h"
#include "engine/api/token.h"
#include "engine/seam/clock.h"

namespace fairlead::api {

/// A control thread of its own.
class ControlLoop final : public seam::Executor {
 public:
  ControlLoop() : thread_([this](const std::stop_token& stop) { run(stop); }) {}
  ~ControlLoop() override { stop(); }
  ControlLoop(const ControlLoop&) = delete;
  ControlLoop& operator=(const ControlLoop&) = delete;

  void post(std::move_only_function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
  }

  /// Runs `work` there and waits for its answer. Not from the control thread.
  template <class Work>
  auto call(Work work) {
    std::promise<decltype(work())> done;
    auto answer = done.get_future();
    post([&] {
      if constexpr (std::is_void_v<decltype(work())>) {
        work();
        done.set_value();
      } else {
        done.set_value(work());
      }
    });
    return answer.get();
  }

  void stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::move_only_function<void()> task;
      {
        std::unique_lock lock(mutex_);
        if (!wake_.wait(lock, stop, [this] { return !tasks_.empty(); })) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::move_only_function<void()>> tasks_;
  std::jthread thread_;
};

/// Has a name, a few lines of log for every container, and fixed figures of usage. Runs nothing.
class PaperNode final : public seam::Node {
 public:
  explicit PaperNode(seam::Executor& control) : control_(control) {}

  [[nodiscard]] std::string name() const override { return "paper"; }
  [[nodiscard]] Value status() const override { return Value::object(); }
  void on_report(std::function<void(const seam::PodReport&)>) override {}
  void run(std::shared_ptr<const Value>, seam::PodInputs) override {}
  void stop(std::string, Duration) override {}
  void program(seam::NetworkProgram) override {}
  [[nodiscard]] std::vector<seam::PodUsage> usage() const override { return samples; }

  [[nodiscard]] std::unique_ptr<seam::Subscription> logs(
      seam::LogRequest request, std::function<void(std::string_view chunk, bool end)> sink) override {
    requests.push_back(request);
    control_.post([sink = std::move(sink), request] {
      const std::size_t first = request.tail_lines == 1 ? 1 : 0;
      for (std::size_t line = first; line < 2; ++line) {
        sink(fmt::format("{}line {} of {}\n", request.timestamps ? "2026-11-23T10:00:00Z " : "", line + 1,
                         request.container),
             false);
      }
      sink({}, true);
    });
    return nullptr;
  }

  std::vector<seam::PodUsage> samples;
  std::vector<seam::LogRequest> requests;

 private:
  seam::Executor& control_;
};

/// What a TestingServer is made of, if not of the standard admission and a PaperNode.
struct TestingOptions {
  std::function<void(Api&)> admission = add_standard_admission;
  std::vector<seam::Node*> nodes{};
};

/// Everything assembled, with what a fresh cluster has; no controllers. Throws std::runtime_error when it cannot start.
class TestingServer {
 public:
  explicit TestingServer(TestingOptions options = {})
      : options_(std::move(options)), store_(schema_, *journal_), api_(schema_, store_, clock_, 1), node_(control_) {
    auto pki = make_pki();
    if (!pki) throw std::runtime_error(pki.error().to_string());
    pki_ = std::move(*pki);
    control_.call([this] { start(); });
  }
  ~TestingServer() {
    control_.call([this] { server_.reset(); });
    control_.stop();
  }
  TestingServer(const TestingServer&) = delete;
  TestingServer& operator=(const TestingServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] const Pki& pki() const { return pki_; }
  [[nodiscard]] std::string url() const { return fmt::format("https://127.0.0.1:{}", port()); }
  [[nodiscard]] std::string kubeconfig() const { return make_kubeconfig(url(), pki_.ca, pki_.admin); }
  /// Runs `work(api)` on the control thread.
  template <class Work>
  auto with_api(Work work) {
    return control_.call([&] { return work(api_); });
  }
  [[nodiscard]] PaperNode& node() { return node_; }
  [[nodiscard]] const ServiceAccountTokens& tokens() const { return tokens_.value(); }
  [[nodiscard]] Schema& schema() { return schema_; }

 private:
  void start() {
    if (auto loaded = store_.load(); !loaded) throw std::runtime_error(loaded.error().to_string());
    options_.admission(api_);
    if (options_.nodes.empty()) options_.nodes = {&node_};
    const auto ready = bootstrap(api_);
    FAIRLEAD_ASSERT(ready.has_value());
    auto key = TokenKey::create();
    if (!key) throw std::runtime_error(key.error().to_string());
    tokens_.emplace(api_, std::move(*key));
    ServerParts parts{.api = api_, .control = control_, .nodes = options_.nodes, .tokens = &*tokens_};
    ServerOptions options;
    options.listeners = {{.address = "127.0.0.1", .port = 0, .fd = -1}};
    options.pki = pki_;
    options.encoders = 2;
    auto server = Server::start(std::move(parts), options);
    FAIRLEAD_ASSERT(server.has_value());
    server_ = std::move(*server);
  }

  TestingOptions options_;
  seam::WallClock clock_;
  Schema schema_;
  std::unique_ptr<Journal> journal_ = memory_journal();
  Store store_;
  Api api_;
  ControlLoop control_;
  PaperNode node_;
  Pki pki_;
  std::optional<ServiceAccountTokens> tokens_;
  std::unique_ptr<Server> server_;
};

}  // namespace fairlead::api
