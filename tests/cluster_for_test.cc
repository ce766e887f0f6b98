// cluster_test_server: a whole cluster in real time whose nodes are simulated, for tests that drive it with real
// clients: the API server and every controller, in memory. Takes the same command line as api_test_server.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <thread>

#include "engine/api/testing_server.h"
#include "engine/control/controllers.h"
#include "engine/control/pod_token.h"
#include "engine/seam/simulated_metrics.h"
#include "engine/seam/simulated_node.h"
#include "engine/seam/simulated_traffic.h"

namespace fairlead {
namespace {

constexpr Duration kTick{20};        ///< How far controllers and seams may lag behind the clock.
constexpr std::size_t kSlice = 256;  ///< Reconciliations before requests are answered again.

Value node_status() {
  const Value capacity = Value::object({{"cpu", "4"}, {"memory", "8Gi"}, {"pods", "110"}});
  const Value ready = Value::object({{"type", "Ready"}, {"status", "True"}, {"reason", "KubeletReady"}});
  const Value address = Value::object({{"type", "InternalIP"}, {"address", "10.0.0.1"}});
  return Value::object({{"capacity", capacity},
                        {"allocatable", capacity},
                        {"conditions", Value::array({ready})},
                        {"addresses", Value::array({address})},
                        {"nodeInfo", Value::object({{"kubeletVersion", "v1.36.0"}})}});
}

/// Owns everything and reconciles every kTick. The image example/slow:1 is never ready; analyses may ask for "good",
/// which gives 1, and "bad", which gives 0.
class Cluster {
 public:
  Cluster() {
    seam::ImageBehaviour slow;
    slow.ready = std::nullopt;
    node_.set_image("example/slow:1", slow);
    for (const auto& [query, value] : {std::pair("good", "1"), std::pair("bad", "0")}) {
      metrics_.script(query, Time{}, seam::SimulatedMetrics::vector({{Value::object(), value}}, Time{}));
    }
    server_.with_api([this](api::Api& api) {
      manager_.emplace(api);
      manager_->on_error([](std::string_view name, const api::Key& key, const Error& error) {
        fmt::print(stderr, "{}: {}: {}\n", name, key.to_string(), error.to_string());
      });
      control::add_controllers(*manager_, api, seams());
      manager_->start();
    });
    ticker_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        server_.with_api([this](api::Api& api) { tick(api.clock().now()); });
        std::this_thread::sleep_for(kTick);
      }
    });
  }
  ~Cluster() {
    ticker_.request_stop();
    ticker_.join();
    server_.with_api([this](api::Api&) { manager_.reset(); });
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] api::TestingServer& server() { return server_; }

 private:
  control::Seams seams() {
    control::Seams out;
    out.nodes = {&node_};
    out.metrics = &metrics_;
    out.traffic = &traffic_;
    out.schema = &server_.schema();
    out.root_ca = server_.pki().ca;
    out.issue_token = [this](const control::TokenRequest& request) {
      return control::issue_pod_token(server_.tokens(), request);
    };
    return out;
  }

  void tick(Time now) {
    time_.move_to(std::max(now, time_.now()));
    time_.run_due();
    manager_->run(kSlice);
  }

  seam::VirtualTime time_{std::chrono::floor<Duration>(std::chrono::system_clock::now())};
  seam::SimulatedNode node_{time_, "paper", node_status(), "10.244.0"};
  seam::SimulatedMetrics metrics_{time_};
  seam::SimulatedTraffic traffic_{time_};
  api::TestingServer server_{{.admission = control::add_admission, .nodes = {&node_}}};
  std::optional<control::Manager> manager_;
  std::jthread ticker_;
};

}  // namespace
}  // namespace fairlead

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: cluster_test_server KUBECONFIG\n", stderr);
    return 2;
  }
  try {
    fairlead::Cluster cluster;
    auto& server = cluster.server();
    if (auto written = fairlead::api::write_kubeconfig(argv[1], server.url(), server.pki()); !written) {
      std::fprintf(stderr, "%s\n", written.error().to_string().c_str());
      return 1;
    }
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
